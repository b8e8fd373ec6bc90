import type { Readable, Writable } from "node:stream";

/** Says one thing to the browser and gives what it answers, which the caller knows the shape of. */
export type Command = <Result>(method: string, parameters?: object, sessionId?: string) => Promise<Result>;

interface Answer {
  readonly id?: number;
  readonly method?: string;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/**
 * The DevTools protocol over the two pipes of `--remote-debugging-pipe`: JSON messages with a zero byte after each.
 * Commands that have no answer yet are rejected when the pipe closes or a page crashes.
 */
export function speakDevtools(input: Writable, output: Readable): Command {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let lastId = 0;
  let closed = false;

  const failAll = (why: string): void => {
    for (const { reject } of waiting.values()) reject(new Error(why));
    waiting.clear();
  };
  const take = ({ id, method, result, error }: Answer): void => {
    if (method === "Inspector.targetCrashed") failAll("the page has crashed");
    const answered = id === undefined ? undefined : waiting.get(id);
    if (id === undefined || answered === undefined) return;
    waiting.delete(id);
    if (error === undefined) answered.resolve(result);
    else answered.reject(new Error(error.message));
  };

  let parts: Buffer[] = [];
  output.on("data", (bytes: Buffer) => {
    let start = 0;
    for (let end = bytes.indexOf(0); end >= 0; end = bytes.indexOf(0, start)) {
      const message = Buffer.concat([...parts, bytes.subarray(start, end)]).toString();
      parts = [];
      start = end + 1;
      take(JSON.parse(message) as Answer);
    }
    parts.push(bytes.subarray(start));
  });
  output.once("close", () => {
    closed = true;
    failAll("the browser has ended");
  });
  input.on("error", () => {}); // it ends together with the output

  return async <Result>(method: string, parameters: object = {}, sessionId?: string) => {
    if (closed) throw new Error(`${method}: the browser has ended`);
    const id = ++lastId;
    const answered = Promise.withResolvers<unknown>();
    waiting.set(id, answered);
    input.write(`${JSON.stringify({ id, method, params: parameters, sessionId })}\0`);
    return (await answered.promise) as Result;
  };
}
