import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { HalfOpen } from "../../../src/outputs/half-open.ts";

const never = new AbortController().signal;
const minuteMs = 60_000;

interface Server extends AsyncDisposable {
  /** From which ports connections came, oldest first. */
  readonly ports: readonly (number | undefined)[];
  open(): Promise<{
    readonly socket: Socket;
    readonly tcp: Socket;
    readonly port: number;
    readonly far: Socket;
  }>;
}

/** A server that never reads, and connections to it. */
async function startServer(): Promise<Server> {
  const taken: Socket[] = [];
  const ports: (number | undefined)[] = [];
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    taken.push(socket);
    ports.push(socket.remotePort);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    ports,
    async open() {
      const accepted = once(server, "connection");
      const tcp = connect((server.address() as AddressInfo).port, "127.0.0.1");
      const [[far]] = (await Promise.all([accepted, once(tcp, "connect")])) as [[Socket], unknown];
      return { socket: tcp, tcp, port: tcp.localPort ?? 0, far };
    },
    async [Symbol.asyncDispose]() {
      for (const socket of taken) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function errorOf(socket: Socket): Promise<unknown> {
  const [error] = (await once(socket.resume(), "error")) as [NodeJS.ErrnoException];
  return error.code;
}

describe("a connection that was given up", () => {
  it("is left alone until the server can be reached, then reset, and the server has answered from its port", async () => {
    await using server = await startServer();
    const halfOpen = new HalfOpen(minuteMs);
    const lost = await server.open();
    halfOpen.keep(lost);
    expect(lost.socket.destroyed).toBe(false);
    const reset = errorOf(lost.far);
    await halfOpen.reset(never);
    expect(await reset).toBe("ECONNRESET");
    expect(lost.socket.destroyed).toBe(true);
    expect(server.ports).toEqual([lost.port, lost.port]);
  });

  it("is ended after the time for which it is kept", async () => {
    await using server = await startServer();
    const halfOpen = new HalfOpen(20);
    const lost = await server.open();
    const ended = once(lost.far.resume(), "end");
    halfOpen.keep(lost);
    await ended;
    await halfOpen.reset(never);
    expect(server.ports).toHaveLength(1);
  });

  it("makes room for the next one", async () => {
    await using server = await startServer();
    const halfOpen = new HalfOpen(minuteMs);
    const [first, second] = [await server.open(), await server.open()];
    halfOpen.keep(first);
    const ended = once(first.far.resume(), "end");
    halfOpen.keep(second);
    await ended;
    expect([first.socket.destroyed, second.socket.destroyed]).toEqual([true, false]);
    halfOpen.drop();
    expect(second.socket.destroyed).toBe(true);
  });

  it("holds nobody up when the server is gone, or closed it itself", async () => {
    const server = await startServer();
    const halfOpen = new HalfOpen(minuteMs);
    const lost = await server.open();
    halfOpen.keep(lost);
    const closed = once(lost.socket.resume(), "close");
    await server[Symbol.asyncDispose]();
    await closed;
    await halfOpen.reset(never);
    halfOpen.keep(lost);
    await halfOpen.reset(never);
  });

  it("is not waited for after an abort", async () => {
    await using server = await startServer();
    const halfOpen = new HalfOpen(minuteMs);
    const lost = await server.open();
    halfOpen.keep(lost);
    await halfOpen.reset(AbortSignal.abort());
    expect(lost.socket.destroyed).toBe(true);
  });
});
