import { Fault } from "../../domain/fault.ts";
import { Secret } from "../../domain/secret.ts";
import { readFileIfThere, writeFileAtomic } from "../../lib/atomic-file.ts";

/** A Twitch login as it is kept: who, for which application, with which rights. */
export interface SavedLogin {
  readonly clientId: string;
  readonly userId: string;
  readonly userName: string;
  readonly scopes: readonly string[];
  readonly accessToken: Secret;
  /** Of a public client: good for one use, and for 30 days without use. */
  readonly refreshToken: Secret;
}

/** Rights for reading and writing chat on either transport. */
export const chatScopes: readonly string[] = ["user:read:chat", "user:write:chat", "chat:read", "chat:edit"];

export const howToLogIn = "Run `spotlive twitch login` and enter the code that it shows.";

/** Writes the login (mode 0600) so that a power cut leaves either the old one or the new one. */
export async function saveLogin(path: string, login: SavedLogin): Promise<void> {
  const { accessToken, refreshToken, ...others } = login;
  const content = { ...others, accessToken: accessToken.reveal(), refreshToken: refreshToken.reveal() };
  await writeFileAtomic(path, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o600 });
}

/** Rejects with `surface-refused`, which says how to log in, where there is no login or no usable one. */
export async function readLogin(path: string): Promise<SavedLogin> {
  const text = await readFileIfThere(path).catch((error: unknown) => {
    throw new Fault("surface-refused", `The Twitch login in ${path} cannot be read.`, { cause: error });
  });
  if (text === undefined) throw new Fault("surface-refused", `There is no Twitch login yet. ${howToLogIn}`);
  const login = parseLogin(text);
  if (login === undefined) throw new Fault("surface-refused", `${path} holds no Twitch login. ${howToLogIn}`);
  return login;
}

function parseLogin(text: string): SavedLogin | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { clientId, userId, userName, scopes, accessToken, refreshToken } = value as Record<string, unknown>;
  if (typeof clientId !== "string" || typeof userId !== "string" || typeof userName !== "string")
    return undefined;
  if (typeof accessToken !== "string" || typeof refreshToken !== "string" || !Array.isArray(scopes))
    return undefined;
  return {
    clientId,
    userId,
    userName,
    scopes: scopes.filter((scope) => typeof scope === "string"),
    accessToken: new Secret(accessToken),
    refreshToken: new Secret(refreshToken),
  };
}
