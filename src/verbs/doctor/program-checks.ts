import type { BoardProfile } from "../../domain/board.ts";
import { howToGetAddon } from "../../transcode/gstreamer-process.ts";
import type { RunProgram } from "../../boards/run-program.ts";
import { ok, warning, wrong } from "./check.ts";
import type { Check, Finding } from "./check.ts";
import type { DoctorContext } from "./context.ts";

const programMs = 4000;
const limitMs = 10_000;
/** `-fps_mode` came with it. */
const leastFfmpeg = [5, 1] as const;

/** What spotlive asks of ffmpeg, by the lists in which ffmpeg names it. */
const needed = {
  encoders: ["libx264", "aac"],
  decoders: ["h264", "opus"],
  filters: ["scale", "pad", "select", "format", "aresample"],
  muxers: ["flv"],
  demuxers: ["flv", "ogg"],
} as const;

/** ffmpeg and GStreamer, as far as this board and configuration want them. */
export function programChecks(context: DoctorContext, profile: BoardProfile | undefined): readonly Check[] {
  if (!context.root.isThisMachine) return [];
  return [
    { id: "ffmpeg", limitMs, run: () => checkFfmpeg(context) },
    { id: "gstreamer", limitMs, run: (signal) => checkGstreamer(context, profile, signal) },
  ];
}

async function checkFfmpeg({ run, config }: DoctorContext): Promise<readonly Finding[]> {
  const id = "ffmpeg";
  const install = "Install it: apt-get install ffmpeg (5.1 or newer).";
  const needs = needsFfmpeg(config);
  const meaning = needs ?? "There is no transcode as the last resort; a copy goes without ffmpeg.";
  const bad = needs === undefined ? warning : wrong;
  const answer = await run("ffmpeg", ["-version"], programMs);
  if (answer.kind !== "ended") return [bad(id, answer.text, meaning, install)];
  const [first = ""] = answer.output.toString("utf8").split("\n", 1);
  const version = parseVersion(first);
  const shown = first.replace(/ Copyright.*$/, "").slice(0, 80);
  if (version !== undefined && isOlder(version, leastFfmpeg))
    return [bad(id, `${shown}, which is too old.`, meaning, install)];
  const missing = await missingParts(run);
  if (missing.length === 0) return [ok(id, `${shown}, with all that spotlive uses.`)];
  return [bad(id, `${shown}, without ${missing.join(", ")}.`, meaning, "Install an ffmpeg that has them.")];
}

/** What cannot be done without ffmpeg; undefined where only the last resort is missing. */
function needsFfmpeg(config: DoctorContext["config"]): string | undefined {
  if (config === undefined) return "A picture cannot be encoded anew, nor a file or an RTSP camera be read.";
  const { source, audio, transcode } = config;
  if (source.kind !== "spot") return `The source (${source.kind}) is read with ffmpeg.`;
  if (audio === "camera") return "The camera's sound is encoded with ffmpeg.";
  return transcode.allow ? "The picture cannot be encoded anew where the camera's does not fit." : undefined;
}

/** The two numbers of a release; undefined for a build of somebody's own, which is believed. */
export function parseVersion(line: string): readonly [number, number] | undefined {
  const [, major, minor] = /^ffmpeg version n?(\d{1,3})\.(\d{1,3})/.exec(line) ?? [];
  return major === undefined || minor === undefined ? undefined : [Number(major), Number(minor)];
}

const isOlder = (a: readonly [number, number], b: readonly [number, number]): boolean =>
  a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);

async function missingParts(run: RunProgram): Promise<readonly string[]> {
  const lists = await Promise.all(
    Object.entries(needed).map(async ([list, names]) => {
      const answer = await run("ffmpeg", ["-hide_banner", `-${list}`], programMs);
      if (answer.kind !== "ended") return [`its list of ${list}`];
      const lines = answer.output.toString("utf8").split("\n");
      // " V....D libx264    H.264 ...": flags, name (of several with commas), explanation.
      const listed = new Set(lines.flatMap((line) => (line.trim().split(/\s+/)[1] ?? "").split(",")));
      return names.filter((name) => !listed.has(name)).map((name) => `${name} (${list})`);
    }),
  );
  return lists.flat();
}

/** GStreamer is for the codecs in a board's hardware; where the profile has none of its chains, nobody needs it. */
async function checkGstreamer(
  { run, whyNoGstreamer }: DoctorContext,
  profile: BoardProfile | undefined,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const id = "gstreamer";
  const chains = profile?.chains.filter(({ runner }) => runner === "gstreamer") ?? [];
  const [version, problem] = await Promise.all([
    run("gst-inspect-1.0", ["--version"], programMs),
    whyNoGstreamer(signal),
  ]);
  const shown =
    version.kind === "ended" ? (/^GStreamer .{1,40}$/m.exec(version.output.toString("utf8"))?.[0] ?? "") : "";
  const evidence = `${shown === "" ? "GStreamer's tools are not installed" : shown}. ${problem ?? "The add-on loads."}`;
  if (chains.length === 0) return [ok(id, `${evidence} This board has no use for it.`)];
  const elements = chains.flatMap((chain) =>
    chain.runner === "gstreamer" ? [...chain.decode, ...chain.convert, ...chain.encode] : [],
  );
  const missing =
    shown === "" ? [] : await missingElements(run, new Set(elements.map(({ element }) => element)));
  if (shown !== "" && problem === undefined && missing.length === 0) return [ok(id, evidence)];
  const names = chains.map(({ name }) => name).join(", ");
  const lacking = missing.length === 0 ? "" : ` Elements that are missing: ${missing.join(", ")}.`;
  const meaning = `The board's chains through GStreamer (${names}) cannot be used; software is.`;
  const plugins = "Install GStreamer's tools and the plugins with the chains' elements";
  const remedies = [
    ...(problem === undefined ? [] : [howToGetAddon()]),
    ...(shown !== "" && missing.length === 0
      ? []
      : [`${plugins} (gstreamer1.0-tools, -plugins-bad, -plugins-ugly; a Jetson's own come with L4T).`]),
    "Without it ffmpeg serves.",
  ];
  const remedy = remedies.join(" ");
  return [warning(id, `${evidence}${lacking}`, meaning, remedy)];
}

async function missingElements(run: RunProgram, names: ReadonlySet<string>): Promise<readonly string[]> {
  const missing: string[] = [];
  for (const name of names) {
    const answer = await run("gst-inspect-1.0", ["--exists", name], programMs);
    if (answer.kind !== "ended") missing.push(name);
  }
  return missing;
}
