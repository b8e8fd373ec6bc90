import type { Status } from "../../src/domain/status.ts";
import { ok, warning, wrong } from "../../src/verbs/doctor/check.ts";
import type { Finding } from "../../src/verbs/doctor/check.ts";
import type { ConfigAnswer } from "../../src/web/model/wire.ts";
import { fullStatus, idleStatus } from "../unit/control/http/memory-line.ts";

const camera = {
  can: ["bitrate", "idr", "ptz", "screens", "lights"],
  position: { pan: 212.4, tilt: -6.5, zoom: 2.5 },
  presets: ["home", "door", "ground", "operator"],
  screens: ["mech_full", "digi_overlay", "pano_full"],
  screen: "mech_full",
  lights: 0.35,
} as const;

const { fault: _fault, retryInMs: _retry, ...running } = fullStatus.source;
const [output] = fullStatus.outputs;
const main = {
  name: "twitch",
  state: "running",
  counters: output?.counters,
  queue: output?.queue,
  uplink: output?.uplink,
} as Status["outputs"][number];

const live: Status = {
  ...fullStatus,
  reason: "Live on twitch, backup.",
  sinceSeconds: 751,
  settings: { destinations: ["twitch", "backup"], bitrateCap: 6_000_000, audio: "silent" },
  camera,
  source: running,
  outputs: [main, { ...main, name: "backup" }],
  verdict: {
    kind: "copy",
    destination: "Twitch",
    findings: [
      { rule: "codec", text: "H.264, as Twitch wants it." },
      { rule: "profile", text: "Profile High; Twitch takes it." },
      { rule: "bit-rate", text: "4.00 Mbit/s; Twitch takes up to 6.00." },
      { rule: "idr-spacing", text: "An IDR every 2.0 s." },
    ],
  },
  health: {
    level: "ok",
    strain: 0,
    items: [
      { name: "processor", kind: "temperature", level: "ok", value: 58, shown: "58 °C", advice: "" },
      { name: "supply voltage now", kind: "undervoltage", level: "ok", value: 0, shown: "well", advice: "" },
      { name: "memory", kind: "memory", level: "ok", value: 41, shown: "41 %", advice: "" },
      { name: "disk", kind: "disk", level: "ok", value: 2100, shown: "2.1 GB free", advice: "" },
    ],
  },
  notices: [
    "The camera began a new stream.",
    "The uplink to twitch got slower: the camera is asked for less.",
  ],
};

const lost = {
  code: "connection-lost",
  message: "The robot does not answer any more.",
  retryable: true,
} as const;
const unreachable = {
  code: "output-unreachable",
  message: "live.example.org does not answer on port 1935. Look whether the uplink is there.",
  retryable: true,
} as const;

/** A line in every state that the page shows in its own way. */
export const states: Readonly<Record<string, Status>> = {
  idle: { ...idleStatus, camera },
  starting: {
    ...idleStatus,
    camera,
    phase: "starting",
    desired: "live",
    reason: "Connecting to the camera.",
    source: { name: "spot", state: "connecting", fps: 0, bitsPerSecond: 0 },
  },
  live,
  troubled: {
    ...live,
    locked: true,
    reason: "Live on twitch; 1 of 2 outputs not.",
    path: "transcode",
    outputs: [main, { name: "backup", state: "waiting", fault: unreachable, retryInMs: 12_000 }],
    ...(fullStatus.verdict && { verdict: fullStatus.verdict }),
    ...(fullStatus.health && { health: fullStatus.health }),
  },
  holding: {
    ...live,
    phase: "holding",
    sinceSeconds: 48,
    reason: "The last picture goes out again and again. The robot does not answer any more.",
    source: { ...running, state: "waiting", fault: lost, retryInMs: 4000, fps: 0, bitsPerSecond: 0 },
  },
  retrying: {
    ...live,
    phase: "retrying",
    sinceSeconds: 7,
    reason: unreachable.message,
    outputs: [{ name: "twitch", state: "waiting", fault: unreachable, retryInMs: 8000 }],
  },
  stopping: { ...live, phase: "stopping", desired: "idle", sinceSeconds: 1, reason: "Asked to stop." },
};

/** Ten minutes with an uplink that was slow for a while. */
export function testHistory(now: number): object {
  const samples = Array.from({ length: 600 }, (_, second) => {
    const wave = Math.sin(second / 23) * 0.12 + Math.sin(second / 7) * 0.05;
    const isSlow = second > 260 && second < 380;
    const target = isSlow ? 1_800_000 : 4_500_000;
    return {
      t: now - (600 - second) * 1000,
      bitsPerSecond: Math.round(target * (0.94 + wave)),
      target,
      capacity: Math.round((isSlow ? 2_100_000 : 7_400_000) * (1 + wave / 2)),
      delayMs: Math.round(isSlow ? 180 + wave * 500 : 35 + wave * 60),
      fps: 30 + Math.round(wave * 4),
      droppedPerSecond: second === 262 || second === 268 ? 4 : 0,
      lostPerSecond: second % 97 === 0 ? 2 : 0,
      rttMs: Math.round(46 + wave * 60 + (isSlow ? 50 : 0)),
      temperature: 52 + second / 100 + wave * 4,
    };
  });
  return { stepSeconds: 1, now, samples };
}

/** What the doctor might say. */
export const findings: readonly Finding[] = [
  wrong(
    "ingest:backup",
    "live.example.org does not answer on port 1935.",
    "Nothing can be sent there.",
    "Look whether the uplink is there, and whether the address is right.",
  ),
  warning(
    "receive-buffer",
    "net.core.rmem_max is 212992.",
    "A burst of packets, an IDR at a high bit rate, is lost in part.",
    "Run spotlive doctor --fix as root, or install the package, which sets it.",
  ),
  ok("clock", "The clock is synchronised."),
  ok("ffmpeg", "ffmpeg 5.1, with libx264."),
];

/** A part of the configuration, each kind of key once. */
export const testConfig: ConfigAnswer = {
  path: "/etc/spotlive/spotlive.yaml",
  writable: true,
  restartable: true,
  groups: [
    {
      name: "",
      about: "spotlive configuration.",
      keys: [
        {
          ...{
            path: "autostart",
            doc: "Whether the line goes live at power-on.",
            kind: "choice",
            from: "file",
          },
          ...{ choices: ["always", "last", "never"], default: "last", value: "always" },
        },
      ],
    },
    {
      name: "http",
      about: "The HTTP API and this page.",
      keys: [
        {
          ...{ path: "http.port", doc: "The port to listen on.", kind: "whole-number", min: 1, max: 65_535 },
          ...{ expected: "a whole number from 1 to 65535", default: 8080, value: 8080, from: "default" },
        },
        {
          ...{ path: "http.password", doc: "For people; 8 characters or more.", kind: "secret" },
          ...{ from: "file", isSet: true, optional: true },
        },
        {
          ...{ path: "http.allowedHosts", doc: "Names by which a proxy may ask.", kind: "list" },
          ...{ default: [], value: ["robot.example.org"], from: "file" },
        },
        {
          ...{ path: "http.enabled", doc: "Whether it listens at all.", kind: "switch" },
          ...{ default: false, value: true, from: "environment" },
        },
      ],
    },
    {
      name: "outputs[0]",
      about: "One destination.",
      keys: [
        {
          ...{ path: "outputs[0].name", doc: "What it is called.", kind: "text", default: "main" },
          ...{ value: "twitch", from: "file" },
        },
      ],
    },
  ],
};
