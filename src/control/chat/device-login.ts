import { setTimeout as sleep } from "node:timers/promises";
import { Fault, toFault } from "../../domain/fault.ts";
import { Secret } from "../../domain/secret.ts";
import { chatScopes, saveLogin } from "./login-file.ts";
import { within } from "./within.ts";

export interface DeviceLoginOptions {
  readonly clientId: string;
  readonly tokenPath: string;
  /** Default: what chat needs. */
  readonly scopes?: readonly string[];
  /** Shows a person one line. */
  readonly print: (line: string) => void;
  /** Hears the tokens, so that the log can mask them. */
  readonly onToken?: (token: Secret) => void;
  /** Default: Twitch's. */
  readonly authUrl?: string;
}

const twitchAuthUrl = "https://id.twitch.tv/oauth2";
const callMs = 20_000;

/**
 * Logs in without a browser on this machine (OAuth 2.0 Device Authorization Grant, RFC 8628): prints an address and
 * a code, waits until somebody has entered it there, and saves the login. Gives the account's name; undefined when
 * aborted. Rejects with `surface-refused` when the code was refused or ran out, `surface-unreachable` without an answer.
 */
export async function logInToTwitch(
  options: DeviceLoginOptions,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    return await logIn(options, signal);
  } catch (error) {
    if (signal.aborted) return undefined;
    throw toFault(error, "surface-unreachable", "Twitch could not be asked for a login");
  }
}

async function logIn(options: DeviceLoginOptions, signal: AbortSignal): Promise<string> {
  const { clientId, scopes = chatScopes, tokenPath, print } = options;
  const form = { client_id: clientId, scopes: scopes.join(" ") };
  const { status, body } = await post(options, "device", form, signal);
  const { device_code: deviceCode, user_code: userCode, verification_uri: address } = body;
  if (
    status !== 200 ||
    typeof deviceCode !== "string" ||
    typeof userCode !== "string" ||
    typeof address !== "string"
  )
    throw new Fault("surface-refused", `Twitch gave no code (${status}): check the client id ${clientId}.`);
  const lifeMs = seconds(body["expires_in"], 1800) * 1000;
  print(`Open ${printable(address)} in a browser and enter the code ${printable(userCode)}`);
  print(`Waiting up to ${Math.round(lifeMs / 60_000)} minutes ...`);

  const grant = {
    ...form,
    device_code: deviceCode,
    grant_type: "urn:ietf:params:oauth:grant-type:device_code",
  };
  let waitMs = seconds(body["interval"], 5) * 1000;
  for (let waitedMs = 0; waitedMs < lifeMs; waitedMs += waitMs) {
    await sleep(waitMs, undefined, { signal });
    const answer = await post(options, "token", grant, signal);
    const { access_token: accessToken, refresh_token: refreshToken, message, scope } = answer.body;
    if (answer.status === 200 && typeof accessToken === "string" && typeof refreshToken === "string") {
      const tokens = { accessToken: new Secret(accessToken), refreshToken: new Secret(refreshToken) };
      options.onToken?.(tokens.accessToken);
      options.onToken?.(tokens.refreshToken);
      const { getTokenInfo } = await import("@twurple/auth");
      const info = await within(
        getTokenInfo(accessToken, clientId),
        callMs,
        "Asking Twitch who logged in",
        signal,
      );
      const { userId, userName } = info;
      if (userId === null || userName === null)
        throw new Fault("surface-refused", "Twitch gave a token of no user.");
      const granted = Array.isArray(scope) ? scope.filter((one) => typeof one === "string") : info.scopes;
      await saveLogin(tokenPath, { clientId, userId, userName, scopes: granted, ...tokens });
      print(`Logged in as ${printable(userName)}.`);
      return userName;
    }
    if (message === "slow_down") waitMs += 5000;
    else if (message !== "authorization_pending" && answer.status < 500)
      throw new Fault("surface-refused", `Twitch refused the login (${answer.status}). Run the login again.`);
  }
  throw new Fault("surface-refused", "The code has run out before anybody entered it. Run the login again.");
}

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function post(
  { authUrl = twitchAuthUrl }: DeviceLoginOptions,
  path: string,
  form: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Answer> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(callMs)]);
  const body = new URLSearchParams(form);
  const response = await fetch(`${authUrl}/${path}`, { method: "POST", body, signal: limit });
  const value: unknown = await response.json().catch(() => undefined);
  return { status: response.status, body: typeof value === "object" && value !== null ? { ...value } : {} };
}

function seconds(value: unknown, otherwise: number): number {
  return typeof value === "number" && value > 0 && value <= 3600 ? value : otherwise;
}

/** What came from the network goes to a terminal without control characters. */
function printable(text: string): string {
  return text.replaceAll(/[^\x21-\x7e]/g, "").slice(0, 200);
}
