import type { DestinationKind } from "../domain/destination.ts";
import { Secret } from "../domain/secret.ts";
import { buildSource } from "./build-source.ts";
import { buildSurfaces } from "./build-surfaces.ts";
import { buildUplinks } from "./build-uplinks.ts";
import type { Config, OutputConfig } from "./config.ts";
import type { Environment } from "./environment.ts";
import type { ConfigValues } from "./values.ts";
import { defaultSocketPath, defaultStateDirectory } from "./paths.ts";
import type { Findings } from "./problems.ts";
import { readAuthority, readSecret } from "./secret-file.ts";

/**
 * Turns checked values into the configuration: reads the files that hold secrets, applies the rules that join
 * several keys, freezes. Rejects with every problem in `findings` and its own.
 */
export async function buildConfig(
  values: ConfigValues,
  environment: Environment,
  findings: Findings,
): Promise<Config> {
  const source = await buildSource(values, findings);
  const outputs = await Promise.all(
    values.outputs.map((output, index) => buildOutput(output, index, findings)),
  );
  const names = values.outputs.map(({ name }) => name);
  for (const [index, name] of names.entries())
    if (names.indexOf(name) < index)
      findings.addAt(
        `outputs[${index}].name`,
        `expected a name of its own, got ${JSON.stringify(name)} again`,
      );
  const surfaces = await buildSurfaces(values, findings);
  const uplinks = buildUplinks(values, findings);
  findings.throwIfAny();
  return freeze({
    ...surfaces,
    source: defined(source),
    outputs: outputs.map(defined),
    audio: values.audio,
    queue: values.queue,
    adapt: values.adapt,
    hold: values.hold,
    transcode: values.transcode,
    stallSeconds: values.stallSeconds,
    uplinks,
    autostart: values.autostart,
    clockWaitSeconds: values.clockWaitSeconds,
    stateDirectory: values.stateDirectory ?? defaultStateDirectory(environment),
    bootDirectory: values.bootDirectory ?? undefined,
    socketPath: values.socketPath ?? defaultSocketPath(environment),
    logLevel: values.logLevel,
  });
}

/** Lists every secret of a configuration, for the mask of the log. */
export function secretsOf(value: unknown): Secret[] {
  if (value instanceof Secret) return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(secretsOf) : [];
}

async function buildOutput(
  values: ConfigValues["outputs"][number],
  index: number,
  findings: Findings,
): Promise<OutputConfig | undefined> {
  const path = `outputs[${index}]`;
  const { name, url, ingest, bandwidthTest } = values;
  const ca = await readAuthority(values.caFile, `${path}.caFile`, findings);
  const kind = values.kind ?? kindOf(url);
  const streamKey = await readSecret(values.streamKey, values.streamKeyFile, `${path}.streamKey`, findings);
  const rules = values.rules ?? rulesOf(kind, url);
  if (kind === "whip") {
    if (values.onSizeChange === "republish")
      findings.addAt(`${path}.onSizeChange`, "expected inband, or nothing (kind is whip)");
    const address = addressFor(kind, values, path, findings);
    return address === undefined ? undefined : { kind, name, rules, ca, url: address, streamKey };
  }
  if (streamKey === undefined) {
    findings.addAt(`${path}.streamKey`, "expected a stream key (streamKey or streamKeyFile), got nothing");
    return undefined;
  }
  const onSizeChange = values.onSizeChange ?? (rules === "generic" ? "inband" : "republish");
  const common = { name, rules, onSizeChange, streamKey, ca };
  if (kind === "rtmp") {
    const address = addressFor(kind, values, path, findings);
    return address === undefined ? undefined : { kind, ...common, url: address };
  }
  // Never sent elsewhere by half a change: whoever redirects a Twitch output must say that it is one no more.
  if (url !== null)
    findings.addAt(`${path}.url`, "is for kind rtmp or whip; this output is of kind twitch (set kind too)");
  return { kind, ...common, ingest, bandwidthTest };
}

/** Where an output of this kind publishes. */
function addressFor(
  kind: "rtmp" | "whip",
  { url, ingest, bandwidthTest }: ConfigValues["outputs"][number],
  path: string,
  findings: Findings,
): string | undefined {
  if (ingest !== "auto")
    findings.addAt(`${path}.ingest`, `is for kind twitch; this output is of kind ${kind}`);
  if (bandwidthTest)
    findings.addAt(`${path}.bandwidthTest`, `is for kind twitch; this output is of kind ${kind}`);
  if (url === null)
    findings.addAt(`${path}.url`, `expected the server's address (kind is ${kind}), got nothing`);
  else if (kindOf(url) !== kind)
    findings.addAt(
      `${path}.url`,
      `expected an address that begins with ${beginnings[kind]} (kind is ${kind})`,
    );
  return url ?? undefined;
}

const beginnings = { rtmp: "rtmp:// or rtmps://", whip: "https:// or http://" };

function kindOf(url: string | null): OutputConfig["kind"] {
  if (url === null) return "twitch";
  return url.startsWith("http") ? "whip" : "rtmp";
}

/** YouTube's ingests are a.rtmp.youtube.com and the like. */
function rulesOf(kind: OutputConfig["kind"], url: string | null): DestinationKind {
  if (kind === "twitch") return "twitch";
  if (kind === "whip") return "webrtc";
  const host = url !== null && URL.canParse(url) ? new URL(url).hostname : "";
  return /(^|\.)youtube\.com$/.test(host) ? "youtube" : "generic";
}

/** For values of which `findings.throwIfAny` has made sure that they are there. */
function defined<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("a part of the configuration is missing without a reason");
  return value;
}

function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) Object.values(Object.freeze(value)).forEach(freeze);
  return value;
}
