import type { Socket } from "node:net";
import { knock, type OpenSocket } from "./server-socket.ts";

type Kept = Pick<OpenSocket, "socket" | "tcp">;

/** So long a server may take to answer from its own port; through most firewalls it does so in two round trips. */
const answerMs = 2000;

/**
 * A connection that we have given up and of which the server cannot know, as the line is dead: half-open (RFC 9293,
 * 3.5.1). An ingest refuses every other publisher as long as it holds that one. So it is kept here, neither read nor
 * written, until the server can be reached again, and is then ended at the server before anything is published.
 * At most one is kept, and not longer than a server would hold it.
 */
export class HalfOpen {
  readonly #mostMs: number;
  #kept: Kept | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(mostMs: number) {
    this.#mostMs = mostMs;
  }

  keep(connection: Kept): void {
    this.drop();
    if (connection.socket.destroyed) return;
    connection.socket.pause();
    connection.tcp.unref();
    this.#kept = connection;
    this.#timer = setTimeout(() => this.drop(), this.#mostMs).unref();
  }

  /**
   * Call this when the server has just answered elsewhere. A reset that comes after a gap has to be asked back (RFC 5961,
   * 3.2), and may be lost: a connect from the very same port is repeated by TCP, and is not answered before the old
   * connection is gone. Where nothing lets that through, the reset alone has to do. Never rejects.
   */
  async reset(signal: AbortSignal): Promise<void> {
    const kept = this.#take();
    if (kept === undefined || kept.socket.destroyed) return;
    const { socket, tcp } = kept;
    const from = portsOf(tcp);
    // Before the TLS above it can say good-bye, which would wait behind all that is unsent.
    tcp.resetAndDestroy();
    socket.destroy();
    if (from !== undefined) await knock(from, answerMs, signal).catch(() => {});
  }

  /** Lets it go without waiting: the kernel tries for a while to tell the server. */
  drop(): void {
    this.#take()?.socket.destroy();
  }

  #take(): Kept | undefined {
    const kept = this.#kept;
    this.#kept = undefined;
    clearTimeout(this.#timer);
    return kept;
  }
}

function portsOf({ localAddress, localPort, remoteAddress, remotePort }: Socket) {
  if (localAddress === undefined || localPort === undefined) return undefined;
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return { host: remoteAddress, port: remotePort, localAddress, localPort };
}
