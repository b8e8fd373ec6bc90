import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/** Calls `advance` whenever ffmpeg says that it has encoded more pictures than before. */
export function watchProgress(progress: Readable, advance: () => void): void {
  let frames = 0;
  createInterface({ input: progress, crlfDelay: Infinity }).on("line", (line) => {
    const now = Number(/^frame=\s*(\d+)/.exec(line)?.[1] ?? frames);
    if (now > frames) advance();
    frames = now;
  });
}
