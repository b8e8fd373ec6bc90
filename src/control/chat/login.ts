import type { AccessTokenWithUserId, AuthProvider } from "@twurple/auth";
import { Fault, toFault } from "../../domain/fault.ts";
import { Secret } from "../../domain/secret.ts";
import { nowUs } from "../../lib/clock.ts";
import { chatScopes, howToLogIn, readLogin, saveLogin, type SavedLogin } from "./login-file.ts";
import { within } from "./within.ts";

/** The login in use: what the library asks for tokens, and what keeps them fresh. */
export interface Login {
  readonly userId: string;
  readonly userName: string;
  readonly provider: AuthProvider;
  /** Asks Twitch whether the token still holds, and renews it if not. Obligatory at start and hourly. */
  validate(signal: AbortSignal): Promise<void>;
  /** Waits for a token that is just being renewed, up to 1.5 s: one that is not saved is lost for good. */
  settled(): Promise<void>;
}

export interface LoginOptions {
  readonly clientId: string;
  readonly tokenPath: string;
  readonly onToken?: ((token: Secret) => void) | undefined;
}

const callMs = 20_000;
/** A stop is not held up for longer than this. */
const settleMs = 1500;
/** Calls that failed together because of one old token are content with one new one. */
const freshUs = 10_000_000;

/**
 * Opens the saved login. A renewed token is saved before anybody gets it, because the refresh token of a public
 * client is good for one use. Rejects with `surface-refused`, which says how to log in.
 */
export async function openLogin(options: LoginOptions): Promise<Login> {
  const { clientId, tokenPath } = options;
  const { getTokenInfo, refreshUserToken } = await import("@twurple/auth");
  let current = await readUsable(options);
  let renewedUs = -Infinity;
  let renewing: Promise<void> | undefined;
  announce(current, options);

  const renew = async (): Promise<void> => {
    const saved = await readUsable(options);
    if (saved.userId !== current.userId)
      throw new Fault("surface-unreachable", "Another Twitch account was logged in; starting over with it.");
    // Somebody has logged in again meanwhile.
    if (saved.refreshToken.reveal() !== current.refreshToken.reveal()) {
      current = saved;
      announce(current, options);
    } else {
      const token = await refreshUserToken(clientId, noClientSecret, current.refreshToken.reveal()).catch(
        refused,
      );
      const renewed = {
        ...current,
        scopes: token.scope,
        accessToken: new Secret(token.accessToken),
        refreshToken: new Secret(token.refreshToken ?? current.refreshToken.reveal()),
      };
      announce(renewed, options);
      await saveLogin(tokenPath, renewed).catch(unsaved);
      current = renewed;
    }
    renewedUs = nowUs();
  };

  const refresh = async (): Promise<AccessTokenWithUserId> => {
    if (nowUs() - renewedUs > freshUs) {
      renewing ??= renew().finally(() => {
        renewing = undefined;
      });
      await renewing;
    }
    return token();
  };

  const token = (): AccessTokenWithUserId => ({
    userId: current.userId,
    accessToken: current.accessToken.reveal(),
    refreshToken: null,
    scope: [...current.scopes],
    // Twitch's own word (401) counts, not this machine's clock.
    expiresIn: null,
    obtainmentTimestamp: 0,
  });

  return {
    userId: current.userId,
    userName: current.userName,
    provider: {
      clientId,
      getCurrentScopesForUser: () => [...current.scopes],
      getAccessTokenForUser: async () => token(),
      getAccessTokenForIntent: async () => token(),
      getAnyAccessToken: async () => token(),
      refreshAccessTokenForUser: refresh,
      refreshAccessTokenForIntent: refresh,
    },
    async validate(signal) {
      const holds = getTokenInfo(current.accessToken.reveal(), clientId).then(
        () => true,
        (error: unknown) => {
          if (statusOf(error) === 401 || (error instanceof Error && error.name === "InvalidTokenError"))
            return false;
          throw toFault(error, "surface-unreachable", "Twitch could not be asked about the login");
        },
      );
      if (!(await within(holds, callMs, "Asking Twitch about the login", signal)))
        await within(refresh(), callMs, "Renewing the Twitch login", signal);
    },
    async settled() {
      if (renewing === undefined) return;
      const unheard = new AbortController().signal;
      await within(renewing, settleMs, "Renewing the Twitch login", unheard).catch(() => {});
    },
  };
}

/** The library's type asks for a secret; a public client has none, and what is undefined is not sent. */
const noClientSecret = undefined as unknown as string;

function announce(login: SavedLogin, options: LoginOptions): void {
  options.onToken?.(login.accessToken);
  options.onToken?.(login.refreshToken);
}

async function readUsable({ clientId, tokenPath }: LoginOptions): Promise<SavedLogin> {
  const saved = await readLogin(tokenPath);
  if (saved.clientId !== clientId)
    throw new Fault("surface-refused", `The Twitch login was made for another client id. ${howToLogIn}`);
  const missing = chatScopes.filter((scope) => !saved.scopes.includes(scope));
  if (missing.length > 0)
    throw new Fault(
      "surface-refused",
      `The Twitch login lacks the right ${missing.join(", ")}. ${howToLogIn}`,
    );
  return saved;
}

function unsaved(error: unknown): never {
  const reason = toFault(error).message;
  throw new Fault(
    "surface-refused",
    `The renewed Twitch login cannot be saved, so it is lost: ${reason}. Mend that, then log in again. ${howToLogIn}`,
    { cause: error },
  );
}

function refused(error: unknown): never {
  const status = statusOf(error);
  // The library's error holds the answer's body; the number says enough.
  if (status === 400 || status === 401 || status === 403)
    throw new Fault(
      "surface-refused",
      `Twitch does not take the saved login any more (${status}). ${howToLogIn}`,
    );
  throw new Fault("surface-unreachable", `Twitch could not renew the login (${status ?? "no answer"}).`);
}

/** The HTTP status that an error of the library stands for. */
export function statusOf(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("statusCode" in error)) return undefined;
  return typeof error.statusCode === "number" ? error.statusCode : undefined;
}
