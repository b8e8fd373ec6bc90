import { describe, expect, it } from "vitest";
import { ffmpegArguments } from "../../../src/lib/ffmpeg.ts";

describe("ffmpegArguments", () => {
  it("gives inputs before outputs, each behind its own options, as texts", () => {
    const argv = ffmpegArguments((command) =>
      command
        .input("file:/media/a b.mp4")
        .inputOptions("-re", "-stream_loop", "-1")
        .output("pipe:1")
        .audioFilters("aresample=async=1")
        .audioFrequency(48_000)
        .outputOptions("-metadata", "title=two words", "-f", "flv"),
    );
    expect(argv.slice(0, 4)).toEqual(["-hide_banner", "-nostats", "-loglevel", "warning"]);
    expect(argv.slice(4, 9)).toEqual(["-re", "-stream_loop", "-1", "-i", "file:/media/a b.mp4"]);
    expect(argv.slice(9)).toEqual([
      ...["-ar", "48000", "-filter:a", "aresample=async=1"],
      ...["-metadata", "title=two words", "-f", "flv", "pipe:1"],
    ]);
  });
});
