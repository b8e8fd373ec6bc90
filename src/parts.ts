import { join } from "node:path";
import { createFileSource } from "./camera/file.ts";
import { createRtspSource } from "./camera/rtsp.ts";
import { createSpotSource } from "./camera/spot/source.ts";
import type { Config, OutputConfig, SpotConfig } from "./config/config.ts";
import type { Output, Source } from "./domain/media.ts";
import type { Report } from "./domain/status.ts";
import type { Mask } from "./lib/log.ts";
import { createRtmpOutput } from "./outputs/rtmp.ts";
import { createTwitchTarget } from "./outputs/twitch.ts";
import type { SessionParts } from "./supervisor/session.ts";
import { createAudioTranscoder } from "./transcode/audio.ts";

/** The camera's rate is not known before its first pictures; every Spot CAM seen so far gives 30 a second. */
const assumedFps = 30;

/** Makes the configured source and outputs: the one place that knows every kind. */
export function createParts(config: Config, report: Report, mask: Mask): Omit<SessionParts, "report"> {
  const outputs = config.outputs.map((output) => createOutput(output, config, report));
  return {
    source: createSource(config, report, mask),
    outputs,
    queue: config.queue,
    ...(config.audio === "camera" && { createAudio: (emit) => createAudioTranscoder({ emit, report }) }),
  };
}

export function createSource(config: Config, report: Report, mask: Mask): Source {
  const { source } = config;
  const stallMs = config.stallSeconds * 1000;
  switch (source.kind) {
    case "spot":
      return createSpot(source, config, report, mask);
    case "file":
      return createFileSource({ path: source.path, loop: source.loop, report });
    case "rtsp":
      return createRtspSource({ url: source.url, transport: source.transport, report, stallMs });
  }
}

function createSpot(source: SpotConfig, config: Config, report: Report, mask: Mask): Source {
  for (const [what, trust] of Object.entries({ robot: source.tls, camera: source.cameraTls })) {
    if (trust.kind !== "insecure") continue;
    const text = `The certificate of the ${what} is not checked (insecure: true): whoever is on the cable can pose as it.`;
    report({ type: "notice", part: "spot", severity: "warning", text });
  }
  return createSpotSource({
    robot: { host: source.host, port: source.port, trust: source.tls },
    camera: { host: source.cameraHost, port: source.cameraPort, trust: source.cameraTls },
    login: source.login,
    settings: {
      idrInterval: Math.round(source.idrSeconds * assumedFps),
      ...(source.bitrate !== undefined && { targetBitrate: source.bitrate }),
    },
    onLoss: source.onLoss,
    audio: config.audio === "camera",
    stallMs: config.stallSeconds * 1000,
    report,
    onToken: (token) => mask.addToken(token),
  });
}

function createOutput(output: OutputConfig, config: Config, report: Report): Output {
  const { name, streamKey } = output;
  return createRtmpOutput({
    name,
    target:
      output.kind === "rtmp"
        ? { url: output.url, streamKey }
        : createTwitchTarget({
            name,
            streamKey,
            ...(output.ingest !== "auto" && { ingest: output.ingest }),
            ...(output.ca !== undefined && { ca: output.ca }),
            bandwidthTest: output.bandwidthTest,
            cachePath: join(config.stateDirectory, "twitch-ingests.json"),
            report,
          }),
    audio: config.audio,
    ...(output.ca !== undefined && { ca: output.ca }),
    stallMs: config.stallSeconds * 1000,
    report,
  });
}
