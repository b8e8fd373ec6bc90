import { createJournal } from "../../src/control/journal.ts";
import { createMask } from "../../src/lib/log.ts";
import type { HttpOptions } from "../../src/control/http/options.ts";
import { createHttpSurface } from "../../src/control/http/surface.ts";
import { createMemoryLine } from "../unit/control/http/memory-line.ts";
import type { MemoryLine } from "../unit/control/http/memory-line.ts";

export interface RunningHttp extends AsyncDisposable {
  readonly line: MemoryLine;
  /** Without a slash at the end. */
  readonly url: string;
}

/** The HTTP surface on a port of the kernel's choice, before a line in memory. */
export async function startHttp(
  options: Partial<HttpOptions> = {},
  line = createMemoryLine(),
): Promise<RunningHttp> {
  const controller = new AbortController();
  const listening = Promise.withResolvers<string>();
  const whole: HttpOptions = {
    host: "127.0.0.1",
    port: 0,
    user: "ann",
    allowedHosts: [],
    maxEventClients: 2,
    version: "1.2.3",
    journal: createJournal(createMask()),
    onListening: listening.resolve,
    ...options,
  };
  const running = createHttpSurface(whole)(line.context, controller.signal);
  running.catch(listening.reject);
  return {
    line,
    url: await listening.promise,
    async [Symbol.asyncDispose]() {
      controller.abort();
      await running;
    },
  };
}

/** The session cookie of an answer, as a browser sends it back. */
export function cookieOf(response: Response): string {
  return response.headers.get("set-cookie")?.split(";")[0] ?? "";
}

export function postJson(
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}
