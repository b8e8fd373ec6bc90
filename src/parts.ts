import { join } from "node:path";
import { createFileSource } from "./camera/file.ts";
import { lazyControl, lazySource } from "./camera/lazy.ts";
import { createRtspSource } from "./camera/rtsp.ts";
import type { SpotCamera } from "./camera/spot/camera.ts";
import type { Config, OutputConfig, SpotConfig } from "./config/config.ts";
import type { ProvenChain } from "./domain/board.ts";
import type { CameraControl } from "./domain/camera.ts";
import type { Output, Source } from "./domain/media.ts";
import type { Onlooker, Preview } from "./domain/preview.ts";
import type { LineSettings, Report } from "./domain/status.ts";
import type { Mask } from "./lib/log.ts";
import { createPreview } from "./outputs/preview/preview.ts";
import { createRtmpOutput } from "./outputs/rtmp.ts";
import { createTwitchTarget } from "./outputs/twitch.ts";
import { createWhipOutput } from "./outputs/whip.ts";
import type { Line } from "./supervisor/line.ts";
import type { Remembered } from "./supervisor/memory.ts";
import { createAudioTranscoder } from "./transcode/audio.ts";
import { createVideoTranscoder } from "./transcode/video-transcoder.ts";

/** A source of the configured kind, made anew for each session, and the hand on its camera where there is one. */
interface Camera {
  readonly name: string;
  create(settings: LineSettings): Source;
  readonly control?: CameraControl;
}

/**
 * The configured line: the one place that knows every kind of source and output. `proven` tells what the machine
 * encodes with, as soon as that is known; `onlooker` sees each session's pictures.
 */
export function createLine(
  config: Config,
  report: Report,
  mask: Mask,
  proven: () => ProvenChain | undefined = () => undefined,
  onlooker?: Onlooker,
): Line {
  const camera = createCamera(config, report, mask);
  const spot = config.source.kind === "spot" ? config.source : undefined;
  return {
    sourceName: camera.name,
    outputNames: config.outputs.map(({ name }) => name),
    build: (settings) => ({
      source: camera.create(settings),
      outputs: config.outputs.map((output) => createOutput(output, settings, config, report)),
      destinations: Object.fromEntries(config.outputs.map(({ name, rules }) => [name, rules])),
      hasAudio: settings.audio !== "none",
      queue: config.queue,
      holdMs: config.hold.max * 1000,
      ...(onlooker && { onlooker }),
      ...(config.transcode.allow && {
        createTranscoder: (request) => createVideoTranscoder({ ...request, chain: proven }),
      }),
      ...(settings.audio === "camera" && { createAudio: (emit) => createAudioTranscoder({ emit, report }) }),
    }),
    ...(camera.control && { camera: camera.control }),
    ...(onlooker && { onlooker }),
    encoder: {
      restoreOnExit: spot?.restoreOnExit ?? true,
      congestionControlAfter: spot?.congestionControl ?? true,
      stateDirectory: config.stateDirectory,
    },
    rate: { floor: config.adapt.floor, configured: spot?.bitrate },
    idrSeconds: spot?.idrSeconds ?? defaultIdrSeconds,
  };
}

/** For cameras of which nothing can be asked. */
const defaultIdrSeconds = 2;

/** The camera's picture for browsers, where the configuration has a way to it and lets somebody look. */
export function createConfiguredPreview({ http, preview }: Config): (Preview & Onlooker) | undefined {
  return http === undefined || preview.maxViewers === 0 ? undefined : createPreview(preview);
}

/** What holds before anybody has said otherwise: everything as configured, and not live. */
export function configuredState(config: Config): Remembered {
  const destinations = config.outputs.map(({ name }) => name);
  return {
    desired: "idle",
    locked: false,
    settings: { destinations, bitrateCap: null, audio: config.audio },
  };
}

/** The configured source alone, to look at what it sends. */
export function createSource(config: Config, report: Report, mask: Mask): Source {
  return createCamera(config, report, mask).create(configuredState(config).settings);
}

function createCamera(config: Config, report: Report, mask: Mask): Camera {
  const { source } = config;
  const stallMs = config.stallSeconds * 1000;
  switch (source.kind) {
    case "spot":
      return createSpot(source, config, report, mask);
    case "file": {
      const { path, loop } = source;
      return { name: "file", create: () => createFileSource({ path, loop, report }) };
    }
    case "rtsp": {
      const { url, transport } = source;
      return { name: "rtsp", create: () => createRtspSource({ url, transport, report, stallMs }) };
    }
  }
}

function createSpot(source: SpotConfig, config: Config, report: Report, mask: Mask): Camera {
  for (const [what, trust] of Object.entries({ robot: source.tls, camera: source.cameraTls })) {
    if (trust.kind !== "insecure") continue;
    const text = `The certificate of the ${what} is not checked (insecure: true): whoever is on the cable can pose as it.`;
    report({ type: "notice", part: "spot", severity: "warning", text });
  }
  let opening: Promise<SpotCamera> | undefined;
  // gRPC and WebRTC are half of what a start takes: spotlive answers before they are there.
  const open = (): Promise<SpotCamera> =>
    (opening ??= import("./camera/spot/camera.ts").then(({ createSpotCamera }) =>
      createSpotCamera({
        robot: { host: source.host, port: source.port, trust: source.tls },
        camera: { host: source.cameraHost, port: source.cameraPort, trust: source.cameraTls },
        interface: source.interface,
        login: source.login,
        onToken: (token) => mask.addToken(token),
        presets: config.presets,
        onLoss: source.onLoss,
        stallMs: config.stallSeconds * 1000,
        report,
      }),
    ));
  return {
    name: "spot",
    create: ({ audio }) => lazySource("spot", async () => (await open()).createSource(audio === "camera")),
    control: lazyControl(async () => (await open()).control),
  };
}

/** One configured destination. */
export function createOutput(
  output: OutputConfig,
  settings: LineSettings,
  config: Config,
  report: Report,
): Output {
  const { name } = output;
  const stallMs = config.stallSeconds * 1000;
  const ca = output.ca === undefined ? {} : { ca: output.ca };
  if (output.kind === "whip") {
    const token = output.streamKey === undefined ? {} : { token: output.streamKey };
    return createWhipOutput({ name, target: { url: output.url, ...token, ...ca }, stallMs, report });
  }
  const { streamKey } = output;
  return createRtmpOutput({
    name,
    target:
      output.kind === "rtmp"
        ? { url: output.url, streamKey }
        : createTwitchTarget({
            name,
            streamKey,
            ...(output.ingest !== "auto" && { ingest: output.ingest }),
            ...ca,
            bandwidthTest: output.bandwidthTest,
            cachePath: join(config.stateDirectory, "twitch-ingests.json"),
            report,
          }),
    audio: settings.audio,
    onSizeChange: output.onSizeChange,
    ...ca,
    stallMs,
    report,
  });
}
