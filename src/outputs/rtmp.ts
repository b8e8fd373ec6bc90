import type { Socket } from "node:net";
import { Fault, toFault } from "../domain/fault.ts";
import type { Output, Unit, Uplink } from "../domain/media.ts";
import type { Secret } from "../domain/secret.ts";
import type { Report } from "../domain/status.ts";
import { nowUs } from "../lib/clock.ts";
import type { AacFormat } from "../media/aac.ts";
import { connectPublisher, type Publisher } from "../rtmp/publisher.ts";
import { HalfOpen } from "./half-open.ts";
import { hiddenQueueAdvice } from "./kernel-queue.ts";
import { RtmpComposer, type AudioMode } from "./rtmp-composer.ts";
import { OutputMeter } from "./output-meter.ts";
import { UplinkGauge } from "./rtmp-uplink.ts";
import { awaitReachable, openSocket, parseRtmpUrl, type RtmpAddress } from "./server-socket.ts";

/** Where to publish. */
export interface RtmpTarget {
  /** `rtmp://host[:port]/app` or `rtmps://...`, without the stream key. */
  readonly url: string;
  readonly streamKey: Secret;
}

/** Finds the place to publish to anew for each connection, as with a service that has many ingests. */
export type ResolveTarget = (signal: AbortSignal) => Promise<RtmpTarget>;

export interface RtmpOutputOptions {
  readonly name: string;
  readonly target: RtmpTarget | ResolveTarget;
  readonly audio: AudioMode;
  /** What the units of `audio: "camera"` hold; 48 kHz stereo if absent. */
  readonly aacFormat?: AacFormat;
  /** Another size of the picture begins a new broadcast, or (default) goes on in this one with a new header. */
  readonly onSizeChange?: "republish" | "inband";
  /** PEM of an authority that is trusted besides the system's. */
  readonly ca?: string | Buffer;
  /** Milliseconds without any progress, while bytes wait, after which the server counts as dead. */
  readonly stallMs?: number;
  readonly report: Report;
}

/** Above this many bytes that the kernel has not taken, pictures wait in the queue in front of us, where they can be dropped. */
const mostUnsentBytes = 65_536;
const reportEveryMs = 1000;
/** So long does a server hold a connection that was cut without a word. */
const ghostUs = 120_000_000;
const ghostText =
  "The server closed the connection right after publish. It probably still holds the one that was lost, and takes a new one when it has noticed.";
const cameraAacFormat: AacFormat = { sampleRate: 48_000, channels: 2 };

/** Publishes to an RTMP server. Throws `config-invalid` when a fixed URL is none. */
export function createRtmpOutput(options: RtmpOutputOptions): Output {
  const { target } = options;
  const meter = new OutputMeter();
  const halfOpen = new HalfOpen(ghostUs / 1000);
  let line: Line | undefined;
  let connections = 0;
  /** When a broadcast was lost without a good-bye: the server may hold it for a while yet. */
  let lostUs = Number.NEGATIVE_INFINITY;
  let address = typeof target === "function" ? undefined : parseRtmpUrl(target.url);
  return {
    name: options.name,
    async run(units, signal) {
      try {
        const { url, streamKey } = await resolve(target, signal);
        address = parseRtmpUrl(url);
        const begin = (begun: Line): void => void (line = begun);
        connections += 1;
        await publishUnits(
          { ...options, address, streamKey, meter, halfOpen, connection: connections, begin },
          units,
          signal,
        );
      } catch (error) {
        if (signal.aborted) return;
        const fault = toFault(error, "output-closed");
        const isEarly = fault.code === "closed-early";
        const isGhost = isEarly && nowUs() - lostUs < ghostUs;
        if (line !== undefined && !isEarly) lostUs = nowUs();
        throw isGhost ? new Fault("key-in-use", ghostText, { cause: fault }) : fault;
      } finally {
        line = undefined;
        if (signal.aborted) halfOpen.drop();
      }
    },
    uplink: (eager) => line?.uplink(eager),
    async awaitReachable(signal) {
      await awaitReachable(address ?? parseRtmpUrl((await resolve(target, signal)).url), signal);
    },
  };
}

function resolve(target: RtmpTarget | ResolveTarget, signal: AbortSignal): Promise<RtmpTarget> {
  return typeof target === "function" ? target(signal) : Promise.resolve(target);
}

interface LineOptions extends RtmpOutputOptions {
  readonly address: RtmpAddress;
  readonly streamKey: Secret;
  readonly meter: OutputMeter;
  readonly halfOpen: HalfOpen;
  readonly connection: number;
  begin(line: Line): void;
}

async function publishUnits(
  options: LineOptions,
  units: AsyncIterable<Unit>,
  signal: AbortSignal,
): Promise<void> {
  const { address, streamKey, halfOpen } = options;
  const { socket, tcp, roundTripMs } = await openSocket(address, options.ca, signal);
  socket.on("error", () => {}); // the publisher, which is told of the end, is yet to come
  await halfOpen.reset(signal);
  const publisher = await connectPublisher(
    socket,
    { app: address.app, tcUrl: address.tcUrl, streamKey },
    signal,
  );
  const gauge = new UplinkGauge(socket, publisher, options.connection, roundTripMs);
  const line = new Line(options, socket, publisher, gauge);
  options.begin(line);
  const advice = hiddenQueueAdvice();
  if (advice !== undefined)
    options.report({ type: "notice", part: `output/${options.name}`, severity: "info", text: advice });
  const { promise: aborted, resolve: onAbort } = Promise.withResolvers<undefined>();
  const abort = (): void => onAbort(undefined);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  let close = (): void => void socket.destroy();
  try {
    const fault = await Promise.race([line.pump(units), publisher.ended, line.stalled, aborted]);
    line.stop();
    if (fault?.code === "output-stalled") close = () => halfOpen.keep({ socket, tcp });
    if (fault !== undefined) throw fault;
    await publisher.end();
  } finally {
    signal.removeEventListener("abort", abort);
    line.stop();
    close();
  }
}

/** One published connection: takes units, watches progress, counts. */
class Line {
  readonly stalled: Promise<Fault>;
  readonly #options: LineOptions;
  readonly #socket: Socket;
  readonly #publisher: Publisher;
  readonly #composer: RtmpComposer;
  readonly #gauge: UplinkGauge;
  readonly #timer: NodeJS.Timeout;
  readonly #startedUs = nowUs();
  #stopped = false;
  #stopWaiting = (): void => {};
  #progress = 0;
  #progressUs = nowUs();

  constructor(options: LineOptions, socket: Socket, publisher: Publisher, gauge: UplinkGauge) {
    this.#options = options;
    this.#gauge = gauge;
    this.#socket = socket;
    this.#publisher = publisher;
    this.#composer = new RtmpComposer(options.audio, options.aacFormat ?? cameraAacFormat);
    const { promise: stalled, resolve: onStall } = Promise.withResolvers<Fault>();
    this.stalled = stalled;
    const stallMs = options.stallMs ?? 10_000;
    this.#timer = setInterval(() => {
      this.#report();
      if (this.#silentUs() > stallMs * 1000) onStall(stallFault(stallMs, socket.writableLength));
    }, reportEveryMs);
  }

  /** Sends until the units end, a new broadcast must begin, or `stop` is called. */
  async pump(units: AsyncIterable<Unit>): Promise<undefined> {
    const socket = this.#socket;
    for await (const unit of units) {
      if (this.#stopped) return;
      if (unit.kind === "video") {
        // The next connection begins with this very picture: it is the first of the current GOP.
        if (this.#options.onSizeChange === "republish" && this.#composer.resizes(unit)) return;
        this.#publisher.send(this.#composer.video(unit));
        // A picture replayed from the GOP cache is older than this connection: its age is no latency of ours.
        this.#options.meter.countPicture(
          unit.receivedUs < this.#startedUs ? undefined : nowUs() - unit.receivedUs,
        );
      } else {
        const messages = this.#composer.audio(unit);
        if (messages.length > 0) this.#publisher.send(messages);
      }
      if (socket.writableLength > mostUnsentBytes && socket.writableNeedDrain) await this.#drained();
    }
  }

  uplink(eager: boolean): Uplink {
    return this.#gauge.read(eager);
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#stopWaiting();
    clearInterval(this.#timer);
    this.#report();
    this.#options.meter.closeConnection(this.#publisher.sentBytes, this.#publisher.acknowledgedBytes);
  }

  /** Resolves when the kernel has taken everything, or will take nothing more, or nobody waits for it. */
  #drained(): Promise<void> {
    const socket = this.#socket;
    if (socket.destroyed || this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        socket.off("drain", done).off("close", done);
        resolve();
      };
      socket.on("drain", done).on("close", done);
      this.#stopWaiting = done;
    });
  }

  /** Microseconds for which bytes have waited without any of them being taken or acknowledged. */
  #silentUs(): number {
    const unsent = this.#socket.writableLength;
    const progress = this.#publisher.sentBytes - unsent + (this.#publisher.acknowledgedBytes ?? 0);
    if (unsent === 0 || progress !== this.#progress) {
      this.#progress = progress;
      this.#progressUs = nowUs();
    }
    return nowUs() - this.#progressUs;
  }

  #report(): void {
    const { sentBytes, acknowledgedBytes } = this.#publisher;
    const counters = this.#options.meter.read(sentBytes, acknowledgedBytes, this.#socket.writableLength);
    this.#options.report({ type: "output-progress", name: this.#options.name, counters });
  }
}

function stallFault(stallMs: number, unsentBytes: number): Fault {
  return new Fault(
    "output-stalled",
    `The server has taken nothing for ${stallMs / 1000} s while ${unsentBytes} bytes wait. The uplink or the server hangs.`,
  );
}
