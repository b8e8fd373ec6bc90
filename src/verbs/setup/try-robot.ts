import { findAuthority } from "../../camera/spot/directory.ts";
import { RobotClient } from "../../camera/spot/rpc.ts";
import { TokenKeeper } from "../../camera/spot/token.ts";
import { fetchCertificate, resolveTrust } from "../../camera/spot/trust.ts";
import { configOf } from "../../config/check-parts.ts";
import type { Config, SpotConfig } from "../../config/config.ts";
import { Fault } from "../../domain/fault.ts";
import { createMask } from "../../lib/log.ts";
import type { Mask } from "../../lib/log.ts";
import { directoryNames, fixedAuthorities } from "../../lib/spot-protocol.ts";
import type { Measurement } from "../../media/measurement.ts";
import { secretsOf } from "../../config/build.ts";
import { measureSource } from "../measure-source.ts";
import { fieldsOf, Steps } from "./steps.ts";
import type { SetupStep } from "./steps.ts";

export interface RobotTrial {
  readonly ok: boolean;
  /** Up to the first that failed: `robot`, `login`, `camera`, `picture`. */
  readonly steps: readonly SetupStep[];
  /** What to put into the configuration, besides the password. */
  readonly settings: Readonly<Record<string, unknown>>;
}

const names = ["host", "port", "cameraHost", "cameraPort", "username", "password"];
const measureSeconds = 3;

/**
 * Tries a robot out with a user and a password: is it there, does it let us in, has it a camera, and what does that
 * send? The certificates that it shows are to be pinned: nobody else is believed from then on. Throws `usage` for
 * what makes no sense.
 */
export async function tryRobot(body: unknown, signal: AbortSignal): Promise<RobotTrial> {
  const given = fieldsOf(body, names);
  const { source } = await configOf({ source: "spot", spot: given });
  if (source.kind !== "spot") throw new Fault("internal", "A robot was asked for, and it is none.");
  const mask = createMask();
  for (const secret of secretsOf(source)) mask.add(secret);
  const steps = new Steps();
  const pins: Record<string, unknown> = {};
  const robot = { host: source.host, port: source.port, serverName: fixedAuthorities.auth };
  const pin = async (key: string, address: typeof robot | CameraAddress): Promise<string> => {
    const { fingerprint256 } = await fetchCertificate(address, signal);
    pins[key] = { fingerprint: fingerprint256 };
    return fingerprint256;
  };
  const isThere =
    (await steps.take("robot", async () => {
      const fingerprint = await pin("tls", robot);
      return `Something answers at ${source.host}:${source.port}. Its certificate, which nobody else is believed with from now on, has the SHA-256 fingerprint ${fingerprint}.`;
    })) &&
    (await steps.take("login", () => login(source, pinnedTo(pins), mask, signal))) &&
    (await steps.take("camera", async () => {
      const camera = { host: source.cameraHost, port: source.cameraPort };
      return `The camera answers at ${camera.host}:${camera.port}, with the certificate ${await pin("cameraTls", camera)}.`;
    })) &&
    (await steps.take("picture", async () => {
      const config = await configOf({ source: "spot", spot: { ...given, ...pins } });
      return await look(config, mask, signal);
    }));
  const { password: _password, ...settings } = given;
  return {
    ok: isThere,
    steps: steps.done.map(({ text, ...step }) => ({ ...step, text: mask.apply(text) })),
    settings: flatten({ source: "spot", spot: { ...settings, ...pins } }),
  };
}

interface CameraAddress {
  readonly host: string;
  readonly port: number;
}

function pinnedTo(pins: Readonly<Record<string, unknown>>): string {
  return String((pins["tls"] as { readonly fingerprint: unknown }).fingerprint);
}

/** Once: six wrong passwords lock the account. */
async function login(source: SpotConfig, sha256: string, mask: Mask, signal: AbortSignal): Promise<string> {
  const address = { host: source.host, port: source.port };
  const named = { ...address, serverName: fixedAuthorities.auth };
  const trust = await resolveTrust({ kind: "fingerprint", sha256 }, named, signal);
  using client = new RobotClient(address, trust);
  const tokens = new TokenKeeper(source.login, (token) => mask.addToken(token));
  const token = await tokens.get(client, signal).catch((error: unknown) => {
    throw error instanceof Fault && error.code === "login-refused" ? notThisPassword(source.login) : error;
  });
  await findAuthority(client, directoryNames.streamQuality, token, 0, signal);
  return "The robot lets this user in, and has a Spot CAM.";
}

/** Here it is typed again at once, unlike one in a file. */
function notThisPassword(given: SpotConfig["login"]): Fault {
  const who = given.kind === "password" ? ` of user "${given.username}"` : "";
  return new Fault(
    "login-refused",
    `The robot does not accept this password${who}. Look at both, then try again; six wrong tries lock the account.`,
  );
}

async function look(config: Config, mask: Mask, signal: AbortSignal): Promise<string> {
  const parts = { report: () => {}, mask };
  return describePicture(await measureSource(config, measureSeconds, parts, signal));
}

function describePicture({ width, height, fps, bitsPerSecond, profile }: Measurement): string {
  const size = width === undefined ? "pictures" : `pictures of ${width}x${height}`;
  const kind = profile === undefined ? "" : `, H.264 ${profile}`;
  return `It sends ${size}, ${fps.toFixed(1)} a second, ${(bitsPerSecond / 1e6).toFixed(2)} Mbit/s${kind}.`;
}

/** `{spot: {tls: {fingerprint}}}` as `{"spot.tls.fingerprint"}`, the form of a change of the settings. */
function flatten(value: object, path = ""): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]: [string, unknown]) =>
      typeof inner === "object" && inner !== null
        ? Object.entries(flatten(inner, `${path}${name}.`))
        : [[path + name, inner]],
    ),
  );
}
