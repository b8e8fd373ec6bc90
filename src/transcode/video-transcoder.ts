import type { ProvenChain } from "../domain/board.ts";
import { Fault, toFault } from "../domain/fault.ts";
import type { VideoUnit } from "../domain/media.ts";
import type { Transcoder, TranscoderRequest } from "../domain/transcoder.ts";
import { nowUs } from "../lib/clock.ts";
import { childSignal, untilAborted } from "../lib/signals.ts";
import { purpose } from "./encoder-runner.ts";
import type { EncodedPicture, EncoderProcess } from "./encoder-runner.ts";
import { Planning } from "./planning.ts";
import { createRunner } from "./runners.ts";
import { SourceFacts } from "./source-facts.ts";
import { VideoFeed, canReplay } from "./video-feed.ts";

export interface VideoTranscoderOptions extends TranscoderRequest {
  /** Milliseconds for which a process may be given pictures without giving one back; 3000 where absent. */
  readonly stallMs?: number;
  /** What this machine encodes with; asked once, for the first process. Where it gives nothing: libx264, at any size. */
  readonly chain?: () => ProvenChain | undefined;
  /** Scheduling priority of the processes, as of `ChildOptions`. */
  readonly priority?: number;
}

export interface VideoTranscoderCounters {
  /** Pictures given to the encoder's process; those replayed to a new one do not count again. */
  readonly taken: number;
  /** Pictures dropped because no process ran, or because it was too slow. */
  readonly dropped: number;
  /** Pictures given on. */
  readonly emitted: number;
  /** Times a process was started, without the first. */
  readonly restarts: number;
  /** True while a process runs, so while anything is decoded at all. */
  readonly decoding: boolean;
}

export interface VideoTranscoder extends Transcoder {
  readonly counters: VideoTranscoderCounters;
}

const defaultStallMs = 3000;
const drainMs = 500;
/** Pictures per second where nothing tells. */
const usualFps = 30;
/** With so many times more pictures a second than the encoder was told, the bit rate would be as much higher. */
const fasterFactor = 1.3;
/** Where no IDR has come for so long, none is waited for. */
const withoutIdrUs = 5_000_000;
/** Drops that are not further apart are one bout, which is told once. */
const boutUs = 10_000_000;

/**
 * The source's H.264 decoded and encoded anew through one child process. Its death, hanging or slowness costs pictures
 * only: the next run begins with an IDR of the current one.
 */
export function createVideoTranscoder(options: VideoTranscoderOptions): VideoTranscoder {
  const { target, emit, report, stallMs = defaultStallMs, chain, priority } = options;
  const counters = { taken: 0, dropped: 0, emitted: 0, restarts: 0, decoding: false };
  const seen = new SourceFacts(options.parameterSets);
  let starts = 0;
  let feed: VideoFeed | undefined;
  /** Set while a run waits for a picture to begin with. */
  let begin: ((unit: VideoUnit) => void) | undefined;
  let stop: ((why: string) => void) | undefined;
  let running: EncoderProcess | undefined;
  /** The rate that the running encoder was told. */
  let toldFps = usualFps;
  let lastEmittedUs = Number.NEGATIVE_INFINITY;
  let lastDropUs = Number.NEGATIVE_INFINITY;

  const warn = (text: string): void => report({ type: "notice", part: "video", severity: "warning", text });
  const planning = new Planning({ target, warn, strain: options.strain ?? 0, ...(chain && { chain }) });
  const context = { warn, ...(priority !== undefined && { priority }) };

  const mayBegin = (unit: VideoUnit): boolean =>
    unit.keyframe || unit.dtsUs - seen.newestIdrUs > withoutIdrUs;

  const refuse = (): void => {
    counters.dropped += 1;
    const now = nowUs();
    if (now - lastDropUs > boutUs)
      warn("Pictures are being dropped: this machine does not encode them as fast as they come.");
    lastDropUs = now;
  };

  const shownFps = (fps: number): number => Math.min(fps, planning.target.fps ?? fps);

  const whyStop = (feed: VideoFeed): string | undefined => {
    if (feed.hasStalled) return `stalled: it was given pictures for ${stallMs / 1000} s and gave none back`;
    if (feed.isExhausted) return "has run as long as its clock allows";
    const fps = shownFps(seen.steadyFps ?? 0);
    if (fps > toldFps * fasterFactor) return `begins anew: ${Math.round(fps)} pictures a second come now`;
    return undefined;
  };

  /** Opens a feed that begins with these pictures, in which the current one is; undefined if they cannot begin one. */
  const open = (units: readonly VideoUnit[]) => {
    const [first, { sets, size }] = [units[0], seen];
    if (first === undefined || sets === undefined || size === undefined || !canReplay(units))
      return undefined;
    const plan = planning.next({ size, ...(seen.fps !== undefined && { fps: seen.fps }) });
    const runner = createRunner(plan, context);
    const sourceFps = seen.fps ?? usualFps;
    toldFps = shownFps(sourceFps);
    const start = { size, sourceFps, fps: toldFps, withoutIdr: !first.keyframe };
    feed = new VideoFeed(stallMs, runner.writer(start));
    const showsCurrent = units.some(({ ptsUs }) => ptsUs > lastEmittedUs);
    const showFromMs = feed.replay(units, sets, showsCurrent);
    return { feed, runner, start: { ...start, showFromMs } };
  };

  const openWithGop = () => {
    const units = options.gop?.() ?? [];
    const idr = units.findLastIndex(({ keyframe }) => keyframe);
    if (idr < 0) return undefined;
    for (const unit of units) seen.look(unit);
    return open(units.slice(idr));
  };

  /** Waits for a picture to begin with; undefined when aborted before. */
  const openWithNext = (signal: AbortSignal): Promise<ReturnType<typeof open>> => {
    const opened = new Promise<ReturnType<typeof open>>((resolve) => {
      begin = (unit) => {
        const line = open([unit]);
        if (line === undefined) return;
        begin = undefined;
        counters.taken += 1;
        resolve(line);
      };
    });
    return Promise.race([opened, untilAborted(signal)]);
  };

  const take = ({ ptsMs, ...picture }: EncodedPicture, from: VideoFeed): void => {
    const { ptsUs, rtpTimestamp, receivedUs } = from.take(ptsMs);
    lastEmittedUs = Math.max(ptsUs, lastEmittedUs + 1);
    counters.emitted += 1;
    const timeUs = lastEmittedUs;
    emit({ kind: "video", ptsUs: timeUs, dtsUs: timeUs, rtpTimestamp, receivedUs, ...picture, packets: [] });
  };

  return {
    counters,
    push(unit) {
      seen.look(unit);
      if (feed === undefined) {
        const takenBefore = counters.taken;
        if (mayBegin(unit)) begin?.(unit);
        if (counters.taken === takenBefore) counters.dropped += 1;
        return;
      }
      const { sets } = seen;
      if (sets === undefined || unit.avcc.length === 0) counters.dropped += 1;
      else if (feed.push(unit, sets, mayBegin(unit))) counters.taken += 1;
      else refuse();
      const why = whyStop(feed);
      if (why !== undefined) stop?.(why);
    },
    async run(signal) {
      if (signal.aborted) return;
      using scope = childSignal(signal);
      let how = "ended without being asked to";
      let isDue = false;
      let line: ReturnType<typeof open>;
      try {
        line = openWithGop() ?? (await openWithNext(scope.signal));
        if (line === undefined) return;
        const { feed: own, runner, start } = line;
        stop = (why) => {
          how = why;
          isDue = !own.hasStalled;
          feed = undefined; // what comes while it is being killed is lost
          scope.abort();
        };
        await using process = await runner.start(start, () => own.advance(), scope.signal);
        running = process;
        counters.restarts = starts;
        starts += 1;
        counters.decoding = true;
        own.attach(process.stdin);
        await process.read((picture) => take(picture, own), scope.signal);
        await process.done;
        if (!signal.aborted) throw new Fault("child-failed", `${runner.name}, ${purpose}, ${how}.`);
      } catch (error) {
        if (signal.aborted) return;
        throw isDue ? error : planning.noteDeath(toFault(error));
      } finally {
        line?.feed.end();
        [feed, begin, stop, running] = [undefined, undefined, undefined, undefined];
        counters.decoding = false;
      }
    },
    setBitrate(bitsPerSecond) {
      const held = planning.setBitrate(bitsPerSecond);
      if (running === undefined) return feed === undefined; // the next process is told
      running.setBitrate?.(held);
      return running.setBitrate !== undefined;
    },
    async drain() {
      let timer: NodeJS.Timeout | undefined;
      const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, drainMs)));
      await Promise.race([feed?.settled(), limit]);
      clearTimeout(timer);
    },
  };
}
