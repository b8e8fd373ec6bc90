import { setTimeout as sleep } from "node:timers/promises";
import type { ProvenChain } from "../domain/board.ts";
import { toFault } from "../domain/fault.ts";
import type { Report } from "../domain/status.ts";
import { recogniseBoard } from "./prove-board.ts";
import type { BoardOptions } from "./prove-board.ts";
import { openRoot } from "./root.ts";
import { createRunProgram } from "./run-program.ts";
import { clipSize } from "./test-clip.ts";

/** Knows what this machine encodes with, as soon as it is proven. */
export interface BoardKeeper {
  /** Undefined until then, and where nothing holds any size. */
  proven(): ProvenChain | undefined;
  /** Finds it out. Resolves when done or aborted; never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

export interface KeeperOptions extends BoardOptions {
  readonly cachePath: string;
  /** Makes a proof and keeps it at `cachePath`, somewhere where it does not disturb the live line. */
  readonly prove: (signal: AbortSignal) => Promise<void>;
  readonly report: Report;
  /** Milliseconds after which a start is over; a minute where absent. */
  readonly settleMs?: number;
}

/** Whether it held the largest size that is tried; a machine that was busy then may hold more now. */
const holdsAll = ({ holds, chain }: ProvenChain): boolean =>
  holds.height >= Math.min(chain.limits.height, clipSize.height);

/** By then a camera that is there is live. */
const usualSettleMs = 60_000;

/**
 * Takes the proof of the last time at once. Where there is none, or where it stepped down, it has one made a minute after
 * the start: nothing that is copied waits for it, and until then a transcode goes with what there is.
 */
export function createBoardKeeper(options: KeeperOptions): BoardKeeper {
  const { report, cachePath, settleMs = usualSettleMs } = options;
  let proven: ProvenChain | undefined;
  const tell = (severity: "info" | "warning", text: string): void =>
    report({ type: "notice", part: "board", severity, text });

  async function take(signal: AbortSignal): Promise<void> {
    const { kept } = await recogniseBoard(options, createRunProgram(signal), signal);
    proven = kept?.chosen;
  }

  async function find(signal: AbortSignal): Promise<void> {
    if ((await openRoot().stamp(cachePath)) !== undefined) await take(signal);
    if (proven !== undefined && holdsAll(proven)) return;
    await sleep(settleMs, undefined, { signal });
    await options.prove(signal);
    await take(signal);
    if (signal.aborted) return;
    if (proven === undefined)
      return tell(
        "warning",
        "This machine was not proven to encode any size in time: spotlive profile says why.",
      );
    const { chain, holds } = proven;
    const text = `This machine encodes with the chain ${chain.name}, up to ${holds.width}x${holds.height} at ${holds.fps} pictures a second.`;
    tell("info", text);
  }

  return {
    proven: () => proven,
    async run(signal) {
      try {
        await find(signal);
      } catch (error) {
        if (!signal.aborted) tell("warning", `The board could not be examined: ${toFault(error).message}`);
      }
    },
  };
}
