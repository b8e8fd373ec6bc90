import { join } from "node:path";
import { createBoardKeeper } from "./boards/keeper.ts";
import type { BoardKeeper } from "./boards/keeper.ts";
import type { BoardOptions } from "./boards/prove-board.ts";
import { openRoot } from "./boards/root.ts";
import type { Runner } from "./domain/board.ts";
import type { Report } from "./domain/status.ts";
import { transcodeClip } from "./transcode/clip.ts";
import type { Runners } from "./transcode/transcoder.ts";

/** The runners beside ffmpeg that this installation has: none yet. */
export const installedRunners: Runners = {};

/** How a board is examined: by the very transcoders that the live line uses. */
export function boardOptions(stateDirectory: string, directory = "/"): BoardOptions {
  const { gstreamer } = installedRunners;
  return {
    root: openRoot(directory),
    transcode: (request, signal) => transcodeClip(request, installedRunners, signal),
    runners: new Set<Runner>(gstreamer === undefined ? ["ffmpeg"] : ["ffmpeg", "gstreamer"]),
    cachePath: join(stateDirectory, "board-proof.json"),
  };
}

/** Knows what the machine that the line runs on encodes with. */
export function createBoard(stateDirectory: string, report: Report): BoardKeeper {
  return createBoardKeeper({ ...boardOptions(stateDirectory), report });
}
