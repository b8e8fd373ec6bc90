import { ask, Refusal } from "./api.ts";
import { app } from "./state.ts";
import type { SessionAnswer } from "./wire.ts";

/** Asks who is logged in here. Rejects with a `Refusal` while spotlive cannot be reached. */
export async function askSession(): Promise<SessionAnswer> {
  const session = await ask<SessionAnswer>("GET", "/api/session");
  const before = app.value.session;
  const ended = session.protected && session.by === null && before?.by !== undefined && before.by !== null;
  app.set({ session, ...(ended && { loginReason: "spotlive has forgotten your login. Log in again." }) });
  return session;
}

/** Gives why it did not work, or nothing when it did. */
export async function logIn(username: string, password: string): Promise<string | undefined> {
  try {
    const session = await ask<SessionAnswer>("POST", "/api/session", { body: { username, password } });
    app.set({ session, loginReason: "" });
    return undefined;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return error.status === 401 ? "The user name or the password is wrong." : error.message;
  }
}

export async function logOut(): Promise<void> {
  await ask("DELETE", "/api/session");
  await askSession();
  app.set({ loginReason: "", status: undefined, samples: [] });
}
