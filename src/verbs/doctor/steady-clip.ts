import type { RunProgram } from "../../boards/run-program.ts";
import { Fault } from "../../domain/fault.ts";
import type { VideoUnit } from "../../domain/media.ts";
import { ffmpegArguments } from "../../lib/ffmpeg.ts";
import { FlvReader } from "../../media/flv-reader.ts";
import { PictureAssembler } from "../../media/flv-units.ts";

const makeMs = 20_000;

/**
 * Two seconds of a test picture, 720p30 with one IDR, at a constant bit rate: what the picture does not need is filled
 * up, so that the line carries as much as was said. Throws a `Fault` where ffmpeg cannot make it.
 */
export async function makeSteadyClip(bitsPerSecond: number, run: RunProgram): Promise<readonly VideoUnit[]> {
  const rate = String(bitsPerSecond);
  const argv = ffmpegArguments((command) =>
    command
      .input("testsrc2=size=1280x720:rate=30:duration=2")
      .inputOptions("-f", "lavfi")
      .output("pipe:1")
      .videoCodec("libx264")
      .outputOptions("-preset", "ultrafast", "-bf", "0", "-g", "60", "-pix_fmt", "yuv420p")
      .outputOptions("-b:v", rate, "-minrate", rate, "-maxrate", rate, "-bufsize", rate)
      .outputOptions("-x264-params", "nal-hrd=cbr", "-flvflags", "no_duration_filesize", "-f", "flv"),
  );
  const answer = await run("ffmpeg", argv, makeMs);
  if (answer.kind !== "ended")
    throw new Fault(answer.kind === "missing" ? "child-missing" : "child-failed", answer.text);
  const assembler = new PictureAssembler();
  const units: VideoUnit[] = [];
  for (const tag of new FlvReader().push(answer.output)) {
    if (tag.kind === "avc-config") assembler.configure(tag);
    if (tag.kind !== "video") continue;
    const us = Math.round((units.length * 1_000_000) / 30);
    const times = { ptsUs: us, dtsUs: us, receivedUs: us, rtpTimestamp: units.length * 3000 };
    units.push({ kind: "video", ...times, packets: [], ...assembler.assemble(tag.avcc) });
  }
  if (units[0]?.keyframe !== true) throw new Fault("child-failed", "ffmpeg made no test picture.");
  return units;
}
