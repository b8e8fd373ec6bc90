import type { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { Fault } from "../domain/fault.ts";
import { Handshake } from "../rtmp/handshake.ts";
import { openSocket, parseRtmpUrl } from "./server-socket.ts";

/** What a server has shown before anything was published. Times in milliseconds. */
export interface HandsShaken {
  /** One exchange of TCP. */
  readonly roundTripMs: number;
  /** TCP, and TLS where the address asks for it. */
  readonly connectMs: number;
  /** RTMP's own handshake, C0 to S2. */
  readonly handshakeMs: number;
  /** Absent without TLS. */
  readonly certificate?: X509Certificate;
}

/**
 * Goes as far as RTMP's handshake and closes: no key is sent and nothing is published. `ca` is PEM that is trusted
 * besides the system's. Rejects with a `Fault`.
 */
export async function shakeHands(
  url: string,
  ca: string | Buffer | undefined,
  signal: AbortSignal,
): Promise<HandsShaken> {
  const beganAt = performance.now();
  const { socket, roundTripMs } = await openSocket(parseRtmpUrl(url), ca, signal);
  const openAt = performance.now();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const fail = (): void =>
    reject(new Fault("output-closed", "The server closed the connection during the handshake."));
  socket.on("error", fail).on("close", fail);
  signal.addEventListener("abort", fail, { once: true });
  try {
    const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
    if (signal.aborted) fail();
    runHandshake(socket, resolve, reject);
    await promise;
    const [connectMs, handshakeMs] = [openAt - beganAt, performance.now() - openAt];
    return { roundTripMs, connectMs, handshakeMs, ...(certificate && { certificate }) };
  } finally {
    signal.removeEventListener("abort", fail);
    socket.destroy();
  }
}

function runHandshake(socket: Socket, onDone: () => void, onFault: (error: unknown) => void): void {
  const handshake = new Handshake("client");
  socket.on("data", (bytes: Buffer) => {
    try {
      const step = handshake.push(bytes);
      if (step.reply.length > 0) socket.write(step.reply);
      if (step.done) onDone();
    } catch (error) {
      onFault(error);
    }
  });
  socket.write(handshake.hello());
}
