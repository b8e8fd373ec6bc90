import { app } from "./state.ts";

/** What went wrong, in words for a person. `status` 0: spotlive was not reached. */
export class Refusal extends Error {
  readonly status: number;
  readonly body: unknown;

  constructor(status: number, text: string, body?: unknown) {
    super(text);
    this.name = "Refusal";
    this.status = status;
    this.body = body;
  }
}

type Method = "GET" | "POST" | "PUT" | "DELETE";

/**
 * Asks spotlive for JSON. Rejects with a `Refusal` for everything but a 2xx. A login that has ended brings the login
 * form back.
 */
export async function ask<Answer>(
  method: Method,
  path: string,
  options: { readonly body?: unknown; readonly signal?: AbortSignal } = {},
): Promise<Answer> {
  const csrf = app.value.session?.csrf ?? undefined;
  const response = await fetch(path, {
    method,
    credentials: "same-origin",
    cache: "no-store",
    headers: {
      ...(options.body !== undefined && { "content-type": "application/json" }),
      ...(method !== "GET" && csrf !== undefined && { "x-spotlive-csrf": csrf }),
    },
    ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
    ...(options.signal && { signal: options.signal }),
  }).catch((error: unknown) => {
    if (options.signal?.aborted === true) throw error;
    throw new Refusal(0, "spotlive cannot be reached.");
  });
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok) return body as Answer;
  if (response.status === 401 && path !== "/api/session") sessionEnded();
  throw new Refusal(response.status, textOf(body) ?? `spotlive answered ${response.status}.`, body);
}

function sessionEnded(): void {
  const { session } = app.value;
  if (session?.by === undefined || session.by === null) return;
  app.set({
    session: { ...session, by: null, csrf: null },
    loginReason: "Your login has ended. Log in again.",
  });
}

/** The sentence of a refusal `{ok: false, fault: {message}}`. */
function textOf(body: unknown): string | undefined {
  if (typeof body !== "object" || body === null || !("fault" in body)) return undefined;
  const { fault } = body;
  if (typeof fault !== "object" || fault === null || !("message" in fault)) return undefined;
  return typeof fault.message === "string" ? fault.message : undefined;
}

/** Plain words for anything that was thrown. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
