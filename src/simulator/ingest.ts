import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { toFault } from "../domain/fault.ts";
import type { Secret } from "../domain/secret.ts";
import { messageType, type IncomingMessage } from "../rtmp/message.ts";
import { IngestJudge, type ConnectionRecord, type IngestReport } from "./ingest-judge.ts";
import { FlvRecorder } from "./ingest-recorder.ts";
import { serveSession, type Answer } from "./ingest-session.ts";

/**
 * `accept`: the right key is taken, a wrong one is answered as Twitch does, by closing without a word.
 * `refuse-key`: every key is refused in words. `close`: every publisher is closed without a word.
 * `stall`: connections stay open and are not read, as with an uplink that hangs.
 */
export type IngestMode = "accept" | "refuse-key" | "close" | "stall";

export interface IngestOptions {
  /** The address to listen on; 127.0.0.1 if absent. */
  readonly host?: string;
  /** 0 (default) lets the kernel choose. */
  readonly port?: number;
  /** The path of the URL; `app` if absent. */
  readonly app?: string;
  /** The one key that is taken; any if absent. */
  readonly streamKey?: Secret;
  /** PEM; the ingest then speaks rtmps. */
  readonly tls?: { readonly key: string | Buffer; readonly cert: string | Buffer };
  /** Where to write what arrives, as FLV; the second connection's file ends in `-2.flv`, and so on. */
  readonly recordTo?: string;
}

const loopback = "127.0.0.1";

/** A Twitch-like ingest. Disposal closes it and everything that is connected. */
export interface Ingest extends AsyncDisposable {
  readonly port: number;
  /** Without the stream key. */
  readonly url: string;
  /** May be set at any time; `stall` also holds for streams that are running. */
  mode: IngestMode;
  /** Whether publishers that connect from now on get acknowledgements. */
  acknowledge: boolean;
  report(): IngestReport;
  /** Resets every connection now, as a server that dies does. */
  drop(): void;
}

/** Starts an ingest; an abort closes it. Rejects with a `Fault` when the port is taken. */
export async function startIngest(options: IngestOptions, signal: AbortSignal): Promise<Ingest> {
  const server = options.tls === undefined ? createServer() : createTlsServer(options.tls);
  const ingest = new LocalIngest(server, options);
  server.on(options.tls === undefined ? "connection" : "secureConnection", (socket: Socket) =>
    ingest.take(socket),
  );
  try {
    server.listen(options.port ?? 0, options.host ?? loopback);
    await once(server, "listening", { signal });
  } catch (error) {
    server.close();
    throw toFault(error, "internal", "The simulated ingest could not listen");
  }
  const close = (): void => void ingest[Symbol.asyncDispose]();
  signal.addEventListener("abort", close, { once: true });
  server.once("close", () => signal.removeEventListener("abort", close));
  return ingest;
}

class LocalIngest implements Ingest {
  readonly #server: Server;
  readonly #options: IngestOptions;
  readonly #judge = new IngestJudge();
  readonly #sockets = new Set<Socket>();
  readonly #publishing = new Map<string, Socket>();
  readonly #recorders = new Set<FlvRecorder>();
  #mode: IngestMode = "accept";
  acknowledge = true;

  constructor(server: Server, options: IngestOptions) {
    this.#server = server;
    this.#options = options;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    const scheme = this.#options.tls === undefined ? "rtmp" : "rtmps";
    return `${scheme}://${this.#options.host ?? loopback}:${this.port}/${this.#app}`;
  }

  get mode(): IngestMode {
    return this.#mode;
  }

  set mode(mode: IngestMode) {
    this.#mode = mode;
    for (const socket of this.#publishing.values()) this.#flow(socket);
  }

  report(): IngestReport {
    return this.#judge.report();
  }

  drop(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  take(socket: Socket): void {
    this.#sockets.add(socket);
    let publishing: string | undefined;
    let record: ConnectionRecord | undefined;
    let recorder: FlvRecorder | undefined;
    serveSession(
      socket,
      { app: this.#app, acknowledge: this.acknowledge },
      {
        onPublish: (streamKey) => {
          const answer = this.#answer(streamKey);
          if (answer !== "accept") this.#judge.countRefusal();
          else {
            publishing = streamKey;
            this.#publishing.set(streamKey, socket);
            record = this.#judge.beginConnection();
            recorder = this.#record();
            this.#flow(socket);
          }
          return answer;
        },
        onMedia: (message) => {
          if (record === undefined) return;
          this.#judgeMessage(record, message);
          recorder?.write(message);
        },
        onClosed: (fault) => {
          if (fault !== undefined) this.#judge.remark(`The publisher broke the protocol: ${fault.message}`);
          this.#sockets.delete(socket);
          if (publishing !== undefined && this.#publishing.get(publishing) === socket) {
            this.#publishing.delete(publishing);
          }
          if (recorder !== undefined) void this.#finish(recorder);
          socket.destroy();
        },
      },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.#server.listening ? once(this.#server, "close") : undefined;
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    await Promise.all([...this.#recorders].map((recorder) => this.#finish(recorder)));
  }

  get #app(): string {
    return this.#options.app ?? "app";
  }

  #answer(streamKey: string): Answer {
    if (this.#mode === "refuse-key") return "bad-key";
    if (this.#mode === "close") return "close";
    const [name] = streamKey.split("?", 1);
    const wanted = this.#options.streamKey?.reveal();
    if (wanted !== undefined && name !== wanted) return "close";
    const other = this.#publishing.get(streamKey);
    if (other?.isPaused() === false) return "already-publishing";
    other?.destroy(); // a stalled connection may be replaced
    return "accept";
  }

  #flow(socket: Socket): void {
    if (this.#mode === "stall") socket.pause();
    else socket.resume();
  }

  #judgeMessage(record: ConnectionRecord, message: IncomingMessage): void {
    if (message.type === messageType.video) this.#judge.video(record, message.timestamp, message.payload);
    else if (message.type === messageType.audio)
      this.#judge.audio(record, message.timestamp, message.payload);
  }

  #record(): FlvRecorder | undefined {
    const path = this.#options.recordTo;
    if (path === undefined) return undefined;
    const count = this.#judge.report().connections;
    const recorder = new FlvRecorder(count === 1 ? path : path.replace(/(\.flv)?$/, `-${count}.flv`));
    this.#recorders.add(recorder);
    return recorder;
  }

  async #finish(recorder: FlvRecorder): Promise<void> {
    try {
      await recorder[Symbol.asyncDispose]();
    } catch (error) {
      this.#judge.remark(toFault(error, "internal", "The recording could not be written").message);
    }
    this.#recorders.delete(recorder);
  }
}
