import type { Duplex } from "node:stream";
import { Fault, toFault } from "../domain/fault.ts";
import type { Secret } from "../domain/secret.ts";
import { nowUs } from "../lib/clock.ts";
import { commandMessage, parseCommand, parseStatus, type Command } from "./command.ts";
import { RtmpConnection } from "./connection.ts";
import { controlMessage, messageType, type IncomingMessage, type OutgoingMessage } from "./message.ts";
import { faultFromStatus } from "./refusal.ts";

export interface PublishOptions {
  /** The application: the path of the URL without its leading slash. */
  readonly app: string;
  /** The whole URL without the stream key. */
  readonly tcUrl: string;
  readonly streamKey: Secret;
  /** Longest time from the handshake to the server's consent, milliseconds. */
  readonly timeoutMs?: number;
}

/** A stream that a server has agreed to take. */
export interface Publisher {
  /** Resolves, with the reason, when the connection is over without `end` having been called. */
  readonly ended: Promise<Fault>;
  /** Bytes sent since the handshake. */
  readonly sentBytes: number;
  /** Bytes that the server says it received; undefined if it never said so. */
  readonly acknowledgedBytes: number | undefined;
  /** Sends media messages with one write. Never blocks; look at the stream's `writableLength`. */
  send(messages: readonly OutgoingMessage[]): void;
  /** Says good-bye (FCUnpublish, deleteStream) and closes; within 2 s, whatever the server does. */
  end(): Promise<void>;
}

/** Our chunks: nearly every picture fits in one. */
const chunkSize = 65_536;
/** How often, in bytes, we ask the server to acknowledge: this is the resolution of `acknowledgedBytes`. */
const acknowledgementWindow = 100_000;
const limits = { messageBytes: 65_536, chunkStreams: 16 };
const defaultTimeoutMs = 10_000;
const goodbyeMs = 2000;
/** A server that closes this soon after publish has most likely not liked the key. */
const earlyMs = 5000;

const transaction = {
  connect: 1,
  releaseStream: 2,
  fcPublish: 3,
  createStream: 4,
  publish: 5,
  fcUnpublish: 6,
  deleteStream: 7,
};

/**
 * Publishes over an open stream (TCP or TLS). Rejects with a `Fault` that says who refused what; the stream is then
 * destroyed. From here on the stream belongs to the publisher.
 */
export async function connectPublisher(
  stream: Duplex,
  options: PublishOptions,
  signal: AbortSignal,
): Promise<Publisher> {
  const session = new PublishSession(stream, options);
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  const timer = setTimeout(() => session.fail(unanswered(timeoutMs)), timeoutMs);
  const onAbort = (): void => session.fail(new Fault("output-closed", "Publishing was given up."));
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  if (stream.destroyed) session.fail(session.closedFault());
  try {
    await session.publish();
    return session;
  } catch (error) {
    stream.destroy();
    throw toFault(error, "protocol-error");
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

function unanswered(timeoutMs: number): Fault {
  const seconds = timeoutMs / 1000;
  return new Fault(
    "output-stalled",
    `The server took the connection but did not agree to publish within ${seconds} s.`,
  );
}

type Stage = "connecting" | "publishing" | "published" | "ending" | "over";

class PublishSession implements Publisher {
  readonly ended: Promise<Fault>;
  readonly #stream: Duplex;
  readonly #options: PublishOptions;
  readonly #connection: RtmpConnection;
  readonly #resolveEnded: (fault: Fault) => void;
  readonly #handshake = Promise.withResolvers<void>();
  readonly #answers = new Map<number, (command: Command) => void>();
  #stage: Stage = "connecting";
  #publishedUs = 0;
  #streamId = 0;

  constructor(stream: Duplex, options: PublishOptions) {
    const { promise, resolve } = Promise.withResolvers<Fault>();
    this.ended = promise;
    this.#resolveEnded = resolve;
    this.#stream = stream;
    this.#options = options;
    this.#connection = new RtmpConnection(
      stream,
      { role: "client", limits },
      {
        onHandshakeDone: () => this.#handshake.resolve(),
        onMessage: (message) => this.#receive(message),
        onClosed: (fault) => this.fail(fault ?? this.closedFault()),
      },
    );
  }

  get sentBytes(): number {
    return this.#connection.sentBytes;
  }

  get acknowledgedBytes(): number | undefined {
    return this.#connection.acknowledgedBytes;
  }

  /** Ends the session with a reason; only the first one counts. */
  fail(fault: Fault): void {
    if (this.#stage !== "ending" && this.#stage !== "over") this.#resolveEnded(fault);
    this.#stage = "over";
  }

  async publish(): Promise<void> {
    const connection = this.#connection;
    const key = this.#options.streamKey.reveal();
    await this.#orEnd(this.#handshake.promise);
    const connected = this.#answerTo(transaction.connect);
    const { app, tcUrl } = this.#options;
    const properties = { app, type: "nonprivate", flashVer: "FMLE/3.0 (compatible; spotlive)", tcUrl };
    connection.send([commandMessage("connect", transaction.connect, properties)]);
    await this.#orEnd(connected);

    connection.send([controlMessage(messageType.windowAcknowledgementSize, acknowledgementWindow)]);
    connection.setChunkSize(chunkSize);
    const created = this.#answerTo(transaction.createStream);
    connection.send([
      commandMessage("releaseStream", transaction.releaseStream, null, key),
      commandMessage("FCPublish", transaction.fcPublish, null, key),
      commandMessage("createStream", transaction.createStream, null),
    ]);
    this.#streamId = streamIdFrom(await this.#orEnd(created));

    const started = this.#answerTo(transaction.publish);
    this.#stage = "publishing";
    connection.send([commandMessage("publish", transaction.publish, null, key, "live")], this.#streamId);
    await this.#orEnd(started);
    this.#stage = "published";
    this.#publishedUs = nowUs();
  }

  send(messages: readonly OutgoingMessage[]): void {
    this.#connection.send(messages, this.#streamId);
  }

  async end(): Promise<void> {
    const stream = this.#stream;
    if (this.#stage === "published" && !stream.destroyed) {
      this.#stage = "ending";
      const { fcUnpublish, deleteStream } = transaction;
      this.#connection.send([
        commandMessage("FCUnpublish", fcUnpublish, null, this.#options.streamKey.reveal()),
        commandMessage("deleteStream", deleteStream, null, this.#streamId),
      ]);
      await closeWithin(stream, goodbyeMs);
    }
    this.#stage = "over";
    stream.destroy();
  }

  #receive(message: IncomingMessage): void {
    if (message.type !== messageType.commandAmf0 || this.#stage === "ending" || this.#stage === "over")
      return;
    const command = parseCommand(message);
    const status = parseStatus(command);
    if (command.name === "onStatus") {
      if (status?.level === "error") this.fail(faultFromStatus(status, this.#options.streamKey));
      else if (status?.code === "NetStream.Publish.Start") this.#answers.get(transaction.publish)?.(command);
    } else if (command.name === "_result") this.#answers.get(command.transaction)?.(command);
    else if (command.name === "_error" && this.#answers.has(command.transaction)) {
      const { streamKey } = this.#options;
      this.fail(faultFromStatus(status ?? { level: "error", code: "_error", description: "" }, streamKey));
    }
  }

  /** What an answer that nobody waits for says (to releaseStream, FCPublish) does not matter: many servers refuse them. */
  #answerTo(number: number): Promise<Command> {
    return new Promise((resolve) =>
      this.#answers.set(number, (command) => {
        this.#answers.delete(number);
        resolve(command);
      }),
    );
  }

  #orEnd<T>(answer: Promise<T>): Promise<T> {
    return Promise.race([answer, this.ended.then((fault) => Promise.reject(fault))]);
  }

  /** What it means that the server closes now. */
  closedFault(): Fault {
    if (this.#stage === "connecting") {
      return new Fault("output-closed", "The server closed the connection before it agreed to publish.");
    }
    // A server that has acknowledged pictures has accepted the key, however soon it goes.
    const early = nowUs() - this.#publishedUs < earlyMs * 1000 && this.acknowledgedBytes === undefined;
    if (this.#stage === "publishing" || early) {
      return new Fault(
        "closed-early",
        "The server closed the connection right after publish, without a word. That is how Twitch answers a wrong or expired stream key: check the key.",
      );
    }
    return new Fault("output-closed", "The server closed the connection.");
  }
}

function streamIdFrom(command: Command): number {
  const id = command.values[1];
  if (typeof id === "number" && Number.isInteger(id) && id >= 0 && id <= 0xffffffff) return id;
  throw new Fault("protocol-error", "Expected a stream number in the server's answer to createStream.");
}

/** Ends our direction and waits until the peer has closed its own, but not longer than `ms`. */
async function closeWithin(stream: Duplex, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  stream.once("close", resolve);
  stream.once("end", resolve);
  stream.end();
  await promise;
  clearTimeout(timer);
}
