import { Fault } from "../domain/fault.ts";
import type { VideoUnit } from "../domain/media.ts";
import { ffmpegArguments } from "../lib/ffmpeg.ts";
import { FlvReader } from "../media/flv-reader.ts";
import { PictureAssembler } from "../media/flv-units.ts";
import type { RunProgram } from "./run-program.ts";

/** What a Spot CAM sends at most. */
export const clipSize = { width: 1920, height: 1080 } as const;
export const clipFps = 30;
/** One second, and half a second more for what a chain keeps back. */
export const clipPictures = 45;

const makeMs = 20_000;
const judgeMs = 20_000;
const startCode = Buffer.from([0, 0, 0, 1]);

/**
 * A second and a half of a moving test picture as a camera would send it: 1080p30, H.264, one IDR. Throws a `Fault`
 * (`child-missing`, `child-failed`) where ffmpeg cannot make it.
 */
export async function makeTestClip(run: RunProgram): Promise<readonly VideoUnit[]> {
  const argv = ffmpegArguments((command) =>
    command
      .input(testPicture(clipPictures))
      .inputOptions("-f", "lavfi")
      .output("pipe:1")
      .videoCodec("libx264")
      .outputOptions("-preset", "ultrafast", "-bf", "0", "-g", "600", "-threads", "1")
      .outputOptions("-b:v", "8M", "-pix_fmt", "yuv420p", "-flvflags", "no_duration_filesize", "-f", "flv"),
  );
  const answer = await run("ffmpeg", argv, makeMs);
  if (answer.kind !== "ended")
    throw new Fault(answer.kind === "missing" ? "child-missing" : "child-failed", answer.text);
  const assembler = new PictureAssembler();
  const units: VideoUnit[] = [];
  for (const tag of new FlvReader().push(answer.output)) {
    if (tag.kind === "avc-config") assembler.configure(tag);
    if (tag.kind !== "video") continue;
    const us = tag.ptsMs * 1000;
    const times = { ptsUs: us, dtsUs: us, receivedUs: us, rtpTimestamp: tag.ptsMs * 90 };
    units.push({ kind: "video", ...times, packets: [], ...assembler.assemble(tag.avcc) });
  }
  if (units.length !== clipPictures || units[0]?.keyframe !== true)
    throw new Fault("child-failed", `ffmpeg made ${units.length} test pictures instead of ${clipPictures}.`);
  return units;
}

/** How like the original each decoded picture is, 0 to 1 (SSIM, all planes). */
export type Likeness = { readonly kind: "judged"; readonly ssim: readonly number[] } | Unjudged;
interface Unjudged {
  readonly kind: "failed";
  readonly text: string;
}

/**
 * Decodes the first pictures of a clip in software and compares them with the test picture at the same size. Fewer
 * values than pictures: the others could not be decoded.
 */
export async function judgeClip(
  units: readonly VideoUnit[],
  size: { readonly width: number; readonly height: number },
  run: RunProgram,
): Promise<Likeness> {
  const original = `[1:v]scale=${size.width}:${size.height}:flags=bilinear,format=yuv420p,setpts=N[original]`;
  const decoded = "[0:v]format=yuv420p,setpts=N[decoded]";
  const argv = ffmpegArguments((command) =>
    command
      .input("pipe:0")
      .inputOptions("-f", "h264", "-r", String(clipFps), "-threads", "1")
      .input(testPicture(units.length))
      .inputOptions("-f", "lavfi")
      .output("-")
      .outputOptions(
        "-filter_complex",
        `${original};${decoded};[decoded][original]ssim=stats_file=-:shortest=1`,
      )
      .outputOptions("-f", "null"),
  );
  const stream = Buffer.concat(units.flatMap(({ nalus }) => nalus.flatMap((nalu) => [startCode, nalu])));
  const answer = await run("ffmpeg", argv, judgeMs, stream);
  if (answer.kind !== "ended") return { kind: "failed", text: answer.text };
  return { kind: "judged", ssim: parseSsim(answer.output.toString("latin1")) };
}

/** Reads what ffmpeg's filter `ssim` writes, one line a picture. Total. */
export function parseSsim(output: string): readonly number[] {
  return output.split("\n").flatMap((line) => {
    const value = /^n:\d+ .*\bAll:(\d+(?:\.\d+)?)/.exec(line)?.[1];
    return value === undefined ? [] : [Number(value)];
  });
}

function testPicture(pictures: number): string {
  const { width, height } = clipSize;
  return `testsrc2=size=${width}x${height}:rate=${clipFps}:duration=${pictures / clipFps}`;
}
