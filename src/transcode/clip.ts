import type { ClipRequest, ClipResult } from "../domain/board.ts";
import { Fault } from "../domain/fault.ts";
import type { VideoUnit } from "../domain/media.ts";
import { nowUs } from "../lib/clock.ts";
import { childSignal } from "../lib/signals.ts";
import { createVideoTranscoder } from "./video-transcoder.ts";

/** Nothing more comes after a silence of so many milliseconds. */
const silenceMs = 400;
/** The lowest priority (nice(1)): the live line comes first. */
const priority = 19;

/**
 * Sends a clip through the very transcoder that the live line would use, as fast as it takes it, and ends it. Rejects
 * with a `Fault` when that dies, gives nothing back in time, or cannot be started. What came until the time was up is
 * a result, even if it is too little.
 */
export async function transcodeClip(request: ClipRequest, signal: AbortSignal): Promise<ClipResult> {
  const { chain, target, units, enough, limits } = request;
  using scope = childSignal(signal);
  const given: VideoUnit[] = [];
  const [firstCame, allCame] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const times: number[] = [];
  let silence: NodeJS.Timeout | undefined;
  const emit = (unit: VideoUnit): void => {
    given.push(unit);
    times.push(nowUs());
    firstCame.resolve();
    clearTimeout(silence);
    if (given.length === units.length) allCame.resolve();
    else if (given.length >= enough) silence = setTimeout(allCame.resolve, silenceMs);
  };
  const transcoder = createVideoTranscoder({
    ...{ target, emit, report: () => {}, chain: () => chain },
    ...{ priority, stallMs: limits.firstMs },
  });
  const died = transcoder.run(scope.signal).then(() => {
    throw new Fault("child-failed", "It was stopped.");
  });
  died.catch(() => {});
  try {
    for (const unit of units) transcoder.push(unit);
    await within(limits.firstMs, Promise.race([firstCame.promise, died]));
    if (given.length === 0)
      throw new Fault("child-failed", `It gave no picture within ${limits.firstMs / 1000} s: it hangs.`);
    await within(limits.allMs, Promise.race([allCame.promise, died]));
    return { units: [...given], seconds: ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1e6 };
  } finally {
    clearTimeout(silence);
    scope.abort();
    await died.catch(() => {});
  }
}

/** Resolves when the promise does, or when the time is up. */
async function within(milliseconds: number, promise: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds)));
  try {
    await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}
