import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const tries = 100;
const againMs = 10;

/**
 * Keeps a port at which nobody answers, so that no other program on this machine gets it: every connection is reset.
 * Whoever listened there may still be closing. Rejects with the system's error when somebody else has the port.
 */
export async function keepDeadPort(host: string, port: number): Promise<AsyncDisposable> {
  const server = createServer((socket) => socket.on("error", () => {}).resetAndDestroy());
  for (let left = tries; ; left -= 1) {
    try {
      server.listen(port, host);
      await once(server, "listening");
      return {
        [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
      };
    } catch (error) {
      if (left === 0) throw error;
      await sleep(againMs);
    }
  }
}
