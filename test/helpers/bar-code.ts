import { spawn } from "node:child_process";
import { codeColumns, codeRows, gridRows, numberOfCells } from "../../src/simulator/robot/picture-code.ts";

/** Size of the small gray pictures in which codes are looked for: eight pixels a cell. */
const cellPixels = 8;
export const grayWidth = codeColumns * cellPixels;
export const grayHeight = gridRows * cellPixels;

/** The frame number in one gray picture, 8 bits a pixel, of any size; undefined when there is no whole code in it. */
export function readBarCode(gray: Uint8Array, width: number, height: number): number | undefined {
  const y = Math.floor((height * codeRows) / gridRows / 2);
  const cells: number[] = [];
  for (let column = 0; column < codeColumns; column++) {
    const x = Math.floor(((column + 0.5) * width) / codeColumns);
    cells.push(gray[y * width + x] ?? 0);
  }
  return numberOfCells(cells);
}

export interface DecodedFrames {
  /** One entry for each picture: its frame number, or undefined where the code cannot be read. */
  readonly numbers: readonly (number | undefined)[];
  /** What the decoder complained about. */
  readonly complaints: readonly string[];
}

/**
 * Decodes an H.264 elementary stream (Annex B), or with `format` anything else that ffmpeg reads, and gives the frame
 * numbers of all its pictures.
 */
export async function decodeFrameNumbers(stream: Uint8Array, format = "h264"): Promise<DecodedFrames> {
  const child = spawn("ffmpeg", [
    ...[
      "-hide_banner",
      "-loglevel",
      "warning",
      "-f",
      format,
      "-i",
      "pipe:0",
      "-map",
      "0:v",
      "-fps_mode",
      "passthrough",
      // Pictures that are closer together than 1/30 s are no mistake of the stream.
      "-enc_time_base",
      "1:1000",
    ],
    ...["-vf", `scale=${grayWidth}:${grayHeight}:flags=area,format=gray`, "-f", "rawvideo", "pipe:1"],
  ]);
  const raw: Buffer[] = [];
  let complaints = "";
  child.stdout.on("data", (part: Buffer) => raw.push(part));
  child.stderr.on("data", (part: Buffer) => (complaints += part.toString()));
  child.stdin.on("error", () => {}); // it ends early on garbage
  child.stdin.end(stream);
  await new Promise((resolve) => child.once("close", resolve));
  const pixels = Buffer.concat(raw);
  const frameBytes = grayWidth * grayHeight;
  const numbers = Array.from({ length: Math.floor(pixels.length / frameBytes) }, (_, index) =>
    readBarCode(pixels.subarray(index * frameBytes, (index + 1) * frameBytes), grayWidth, grayHeight),
  );
  return {
    numbers,
    complaints: complaints.split("\n").filter((line) => line.trim() !== "" && !noise.test(line)),
  };
}

/** What ffmpeg says at any level: about the name of an option that older versions do not have, and about short files. */
const noise = /^-vsync is deprecated|not enough frames to estimate rate/;

/** How many steps from one frame number to the next are not exactly one, counting modulo `modulus`. */
export function countJumps(numbers: readonly (number | undefined)[], modulus: number): number {
  let jumps = 0;
  for (const [index, number] of numbers.entries()) {
    const before = numbers[index - 1];
    if (number === undefined || (index > 0 && (before === undefined || (before + 1) % modulus !== number)))
      jumps += 1;
  }
  return jumps;
}
