import type { Socket } from "node:net";
import type { Uplink } from "../domain/media.ts";
import { nowUs } from "../lib/clock.ts";
import type { Publisher } from "../rtmp/publisher.ts";
import { readKernelQueue } from "./kernel-queue.ts";

/** While all is well a look is taken this seldom. */
const calmUs = 1_000_000;
/** More than this in the socket, or without acknowledgement besides their spacing, is a sign of trouble. */
const troubleBytes = 65_536;
/** A burst of acknowledgements is forgotten after so many. */
const keptSteps = 8;
/** More than this in the kernel as well: one IDR of 8 Mbit/s and what is on its way. */
const kernelTroubleBytes = 262_144;

/**
 * How much of one connection's bytes waits on this side. Three signs: what the socket has not given to the kernel,
 * what the kernel has not got acknowledged, and what the server says by RTMP that it received.
 */
export class UplinkGauge {
  readonly #socket: Socket;
  readonly #publisher: Publisher;
  readonly #connection: number;
  readonly #roundTripMs: number;
  readonly #readKernel: typeof readKernelQueue;
  #newest: Uplink | undefined;
  #kernelBytes = 0;
  #askedUs = Number.NEGATIVE_INFINITY;
  #acknowledged = 0;
  /** The last distances from one acknowledgement to the next: the server's own spacing. */
  #steps: number[] = [];

  constructor(
    socket: Socket,
    publisher: Publisher,
    connection: number,
    roundTripMs: number,
    readKernel: typeof readKernelQueue = readKernelQueue,
  ) {
    this.#socket = socket;
    this.#publisher = publisher;
    this.#connection = connection;
    this.#roundTripMs = roundTripMs;
    this.#readKernel = readKernel;
  }

  /** Without `eager`, and while nothing is wrong, what was read within the last second is given again. */
  read(eager: boolean): Uplink {
    const { sentBytes } = this.#publisher;
    const unsent = this.#socket.writableLength;
    const lag = this.#acknowledgementLag(sentBytes - unsent);
    const now = nowUs();
    const isTrouble = unsent > troubleBytes || lag > troubleBytes || this.#kernelBytes > kernelTroubleBytes;
    if (this.#newest !== undefined && !eager && !isTrouble && now - this.#askedUs < calmUs)
      return this.#newest;
    // The kernel may take some milliseconds to answer: a server that acknowledges in time makes the question needless.
    const isAcknowledged = this.#publisher.acknowledgedBytes !== undefined;
    this.#kernelBytes = isAcknowledged && !eager && !isTrouble ? 0 : (this.#readKernel(this.#socket) ?? 0);
    this.#askedUs = now;
    const beyond = Math.max(this.#kernelBytes, lag);
    this.#newest = {
      connection: this.#connection,
      waitingBytes: unsent + beyond,
      deliveredBytes: sentBytes - unsent - beyond,
      roundTripMs: this.#roundTripMs,
    };
    return this.#newest;
  }

  /** What the server has not acknowledged, besides what it would not have yet with its spacing; 0 where it never does. */
  #acknowledgementLag(handedOver: number): number {
    const { acknowledgedBytes } = this.#publisher;
    if (acknowledgedBytes === undefined) return 0;
    const step = acknowledgedBytes - this.#acknowledged;
    if (step > 0) this.#steps = [...this.#steps, step].slice(-keptSteps);
    this.#acknowledged = acknowledgedBytes;
    return Math.max(0, handedOver - acknowledgedBytes - Math.max(0, ...this.#steps));
  }
}
