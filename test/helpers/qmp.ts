import { once } from "node:events";
import { createConnection } from "node:net";
import type { Socket } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

/** The hand on a QEMU: its machine protocol (QMP) over a unix socket. */
export interface Qmp extends Disposable {
  /** Does one command and gives its answer. Rejects with what QEMU has against it. */
  execute(command: string, argv?: Readonly<Record<string, unknown>>): Promise<unknown>;
}

interface Reply {
  readonly id?: number;
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
}

/** Connects to the socket of a QEMU that is being started. Rejects when the signal aborts. */
export async function connectQmp(path: string, signal: AbortSignal): Promise<Qmp> {
  const socket = await connect(path, signal);
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const replies = createInterface({ input: socket });
  replies.on("error", () => {}); // `close` follows
  replies.on("line", (line) => {
    const { id, error, ...rest } = JSON.parse(line) as Reply;
    const asked = id === undefined ? undefined : waiting.get(id);
    if (id === undefined || asked === undefined) return; // its greeting, or an event
    waiting.delete(id);
    if (error === undefined) asked.resolve(rest.return);
    else asked.reject(new Error(`QEMU says: ${error.desc}`));
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    for (const { reject } of waiting.values()) reject(new Error("QEMU has ended."));
  });
  let last = 0;
  const execute = (command: string, argv: Readonly<Record<string, unknown>> = {}): Promise<unknown> => {
    const id = (last += 1);
    const asked = Promise.withResolvers<unknown>();
    waiting.set(id, asked);
    if (socket.destroyed) asked.reject(new Error("QEMU has ended."));
    else socket.write(`${JSON.stringify({ execute: command, arguments: argv, id })}\n`);
    return asked.promise;
  };
  await execute("qmp_capabilities");
  return { execute, [Symbol.dispose]: () => void socket.destroy() };
}

/** QEMU makes the socket soon after it starts, and tells nobody. */
async function connect(path: string, signal: AbortSignal): Promise<Socket> {
  for (;;) {
    const socket = createConnection(path);
    try {
      await once(socket, "connect", { signal });
      return socket;
    } catch (error) {
      socket.destroy();
      if (signal.aborted) throw error;
      await sleep(20);
    }
  }
}
