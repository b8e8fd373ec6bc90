import { setTimeout as sleep } from "node:timers/promises";
import type { ProvenChain } from "../domain/board.ts";
import { toFault } from "../domain/fault.ts";
import type { Report } from "../domain/status.ts";
import { proveBoard, recogniseBoard } from "./prove-board.ts";
import type { BoardOptions } from "./prove-board.ts";
import { openRoot } from "./root.ts";
import { createRunProgram } from "./run-program.ts";

/** Knows what this machine encodes with, as soon as it is proven. */
export interface BoardKeeper {
  /** Undefined until then, and where nothing holds any size. */
  proven(): ProvenChain | undefined;
  /** Finds it out. Resolves when done or aborted; never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

/** By then a camera that is there is live, and the start is over. */
const settleMs = 60_000;

/**
 * Takes the proof of the last time at once. Where there is none, it makes one a minute after the start, at the lowest
 * priority: nothing that is copied waits for it, and until then a transcode goes without.
 */
export function createBoardKeeper(
  options: BoardOptions & { readonly report: Report; readonly settleMs?: number },
): BoardKeeper {
  const { report } = options;
  let proven: ProvenChain | undefined;
  const tell = (severity: "info" | "warning", text: string): void =>
    report({ type: "notice", part: "board", severity, text });

  async function find(signal: AbortSignal): Promise<void> {
    const { cachePath } = options;
    if (cachePath !== undefined && (await openRoot().stamp(cachePath)) !== undefined) {
      const { kept } = await recogniseBoard(options, createRunProgram(signal));
      proven = kept?.chosen;
      if (kept !== undefined) return;
    }
    await sleep(options.settleMs ?? settleMs, undefined, { signal });
    const { choice, proof } = await proveBoard(options, signal);
    if (signal.aborted) return;
    proven = proof.chosen;
    const { title } = choice.chosen.profile;
    if (proven === undefined)
      return tell(
        "warning",
        `This machine (${title}) holds no size at real time: ${reasons(proof.rejected)}`,
      );
    const { width, height, fps } = proven.holds;
    tell(
      "info",
      `This machine (${title}) encodes with the chain ${proven.chain.name}, up to ${width}x${height} at ${fps} pictures a second.`,
    );
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

const reasons = (rejected: readonly { readonly chain: string; readonly reason: string }[]): string =>
  rejected.map(({ chain, reason }) => `${chain}: ${reason}`).join(" ");
