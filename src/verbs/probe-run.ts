import { secretsOf } from "../config/build.ts";
import type { Config } from "../config/config.ts";
import type { Report } from "../domain/status.ts";
import { createMask } from "../lib/log.ts";
import type { Verdict } from "../domain/verdict.ts";
import { strictest } from "../media/destination-rules.ts";
import type { DestinationRules } from "../media/destination-rules.ts";
import type { Measurement } from "../media/measurement.ts";
import { judge } from "../media/verdict.ts";
import { measureSource } from "./measure-source.ts";

export interface ProbeOptions {
  readonly seconds: number;
  readonly json: boolean;
  print(line: string): void;
}

/** Measures what the configured source sends, without publishing anything. */
export async function runProbe(config: Config, options: ProbeOptions, signal: AbortSignal): Promise<void> {
  const mask = createMask();
  for (const secret of secretsOf(config)) mask.add(secret);
  const report: Report = (event) => {
    if (event.type === "notice" && !options.json) options.print(`notice: ${mask.apply(event.text)}`);
  };
  const measurement = await measureSource(config, options.seconds, { report, mask }, signal);
  const verdict = judge(measurement, probeRules(config), {
    can: new Set(config.source.kind === "spot" ? (["bitrate", "idr"] as const) : []),
    audio: config.audio !== "none",
  });
  const result: ProbeResult = { ...measurement, verdict };
  options.print(
    options.json ? JSON.stringify(result) : `${describe(measurement)}\n${describeVerdict(verdict)}`,
  );
}

/** The rules of the configured destinations; Twitch's where there is none yet. */
function probeRules({ outputs }: Config): DestinationRules {
  return strictest(outputs.length === 0 ? ["twitch"] : outputs.map(({ rules }) => rules));
}

/** What `probe --json` prints. */
export type ProbeResult = Measurement & { readonly verdict: Verdict };

function describeVerdict({ kind, destination, findings }: Verdict): string {
  const words = {
    copy: "it can be passed on as it is",
    "ask-camera": "the camera must be asked for something else first",
    transcode: "it must be encoded anew",
  };
  const marks = findings.map(({ remedy, text }) => `  ${remedy === undefined ? "ok " : "NO "} ${text}`);
  return [`verdict         for ${destination}: ${words[kind]}`, ...marks].join("\n");
}

function describe(m: Measurement): string {
  const { spacingMs } = m.idr;
  const idr =
    m.idr.count === 0
      ? "none: nobody can begin to watch this stream without help"
      : spacingMs === undefined
        ? "one only"
        : `every ${(spacingMs.mean / 1000).toFixed(2)} s (${spacingMs.min} to ${spacingMs.max} ms), ${m.idr.count} seen`;
  const sets =
    m.parameterSets.inBand === undefined
      ? `${m.parameterSets.variants} different`
      : `in front of ${m.parameterSets.inBand} of ${m.idr.count} IDR pictures, ${m.parameterSets.variants} different`;
  return [
    `measured        ${m.pictures} pictures in ${m.seconds} s`,
    `codec           H.264 ${m.profile ?? "(profile unknown)"}${m.level === undefined ? "" : `, level ${(m.level / 10).toFixed(1)}`}`,
    `size            ${m.width === undefined ? "unknown" : `${m.width}x${m.height}${m.interlaced === true ? " interlaced" : ""}`}`,
    `rate            ${m.fps.toFixed(2)} fps, ${(m.bitsPerSecond / 1e6).toFixed(2)} Mbit/s`,
    `IDR pictures    ${idr}`,
    `B-frames        ${m.bFrames ? "yes" : "no"}`,
    `slices          ${m.slicesPerPicture} a picture`,
    `parameter sets  ${sets}`,
  ].join("\n");
}
