import { join } from "node:path";
import { createBoardKeeper } from "./boards/keeper.ts";
import type { BoardKeeper, KeeperOptions } from "./boards/keeper.ts";
import type { BoardOptions } from "./boards/prove-board.ts";
import { openRoot } from "./boards/root.ts";
import type { Report } from "./domain/status.ts";
import { startChild } from "./lib/child.ts";
import { productFile } from "./lib/product-files.ts";
import { whyNoGstreamer } from "./transcode/gstreamer-process.ts";
import { transcodeClip } from "./transcode/clip.ts";

/** GStreamer's add-on is looked for in a process of its own; ffmpeg tells when it is started. */
const whyNoRunner: BoardOptions["whyNoRunner"] = (runner, signal) =>
  runner === "gstreamer" ? whyNoGstreamer(signal) : Promise.resolve(undefined);

/** How a board is examined: by the very transcoders that the live line uses. */
export function boardOptions(
  stateDirectory: string,
  directory = "/",
): Omit<KeeperOptions, "prove" | "report"> {
  return {
    root: openRoot(directory),
    transcode: transcodeClip,
    whyNoRunner,
    cachePath: join(stateDirectory, "board-proof.json"),
  };
}

/** Knows what the machine that the line runs on encodes with. */
export function createBoard(stateDirectory: string, report: Report): BoardKeeper {
  const prove = (signal: AbortSignal): Promise<void> => proveInChild(stateDirectory, signal);
  return createBoardKeeper({ ...boardOptions(stateDirectory), prove, report });
}

/** The lowest priority (nice(1)): the live line comes first. */
const lowest = 19;
const program = productFile("src/spotlive.mjs");

/** Runs `spotlive profile` in a process of its own, which keeps what it finds. Rejects with a `Fault` when that dies. */
export async function proveInChild(stateDirectory: string, signal: AbortSignal): Promise<void> {
  const argv = [program, "profile", "--fresh", "--json", "--state", stateDirectory];
  const options = { purpose: "trying out this board", priority: lowest };
  await using child = await startChild(process.execPath, argv, signal, options);
  child.stdin.end();
  child.stdout.resume();
  await child.done;
}
