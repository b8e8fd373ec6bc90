import { createRequire } from "node:module";
import type { FfmpegCommand } from "fluent-ffmpeg";

/** A bundler does not look into it: fluent-ffmpeg stays a file of its own. */
const loadLater = createRequire(import.meta.url);

/** Speak only when something is wrong: the last lines of stderr become the text of a fault. */
const quiet = ["-hide_banner", "-nostats", "-loglevel", "warning"];

/**
 * The argument list of one ffmpeg run, described with fluent-ffmpeg. fluent-ffmpeg only builds it and never starts
 * the program: it asks ffmpeg for its abilities first (most of a second) and cannot end a child that hangs, so
 * `startChild` does that. Give options as separate arguments: fluent-ffmpeg splits a lone one at its space.
 */
export function ffmpegArguments(describe: (command: FfmpegCommand) => FfmpegCommand): readonly string[] {
  // Loaded at first use: a line that needs no ffmpeg does not pay 8 MB for it.
  const fluentFfmpeg = loadLater("fluent-ffmpeg") as () => FfmpegCommand;
  // The one use of a method that fluent-ffmpeg marks as private; its public way to a list is to run ffmpeg.
  return [...quiet, ...describe(fluentFfmpeg())._getArguments().map(String)];
}
