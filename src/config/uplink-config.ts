import { toFault } from "../domain/fault.ts";
import { buildUplinks } from "./build-uplinks.ts";
import type { LogLevel } from "./config.ts";
import type { Environment } from "./environment.ts";
import { readConfigText } from "./load.ts";
import { Findings } from "./problems.ts";
import { readValues } from "./values.ts";
import type { ConfigValues } from "./values.ts";

/** What the product needs the internet for: a TCP port, with a certificate that can be judged where `tls` is set. */
export interface UplinkTarget {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

/** What `spotlive uplinks` has to know. It takes no secret. */
export interface UplinkConfig {
  /** The robot's interface, which leads nowhere else. */
  readonly robotInterface: string | undefined;
  /** The most wanted one first. */
  readonly uplinks: readonly string[];
  /** At least one. */
  readonly targets: readonly UplinkTarget[];
  readonly logLevel: LogLevel;
}

/** Whom Twitch is asked for its ingests. */
const twitch: UplinkTarget = { host: "ingest.twitch.tv", port: 443, tls: true };

/**
 * Reads those keys of the configuration, from the places where `loadConfig` looks. Files that hold secrets are not
 * read. Rejects with one `Fault` (`config-invalid`) that names every problem.
 */
export async function loadUplinkConfig(
  path?: string,
  environment: Environment = process.env,
): Promise<UplinkConfig> {
  const { text, file } = await readConfigText(path);
  try {
    const findings = new Findings(file);
    const values = readValues(text, environment, findings);
    const uplinks = buildUplinks(values, findings);
    findings.throwIfAny();
    const targets = values.outputs.map(targetOf);
    return {
      robotInterface: values.spot.interface ?? undefined,
      uplinks,
      targets: targets.length > 0 ? targets : [twitch],
      logLevel: values.logLevel,
    };
  } catch (error) {
    throw toFault(error, "config-invalid", `${file} cannot be read as a configuration`);
  }
}

function targetOf({ url, ingest, caFile }: ConfigValues["outputs"][number]): UplinkTarget {
  const address = url ?? (ingest === "auto" ? undefined : ingest);
  if (address === undefined) return twitch;
  const { protocol, hostname, port } = new URL(address);
  const isSecure = protocol === "rtmps:" || protocol === "https:";
  return {
    host: hostname.replace(/^\[|\]$/g, ""),
    port: port === "" ? (isSecure ? 443 : protocol === "http:" ? 80 : 1935) : Number(port),
    // A private authority is the output's own affair.
    tls: isSecure && caFile === null,
  };
}
