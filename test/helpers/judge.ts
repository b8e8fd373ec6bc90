import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { decodeFrameNumbers } from "./bar-code.ts";

const run = promisify(execFile);

export interface Verdict {
  /** The frame number read back from every decoded picture, in order. */
  readonly numbers: readonly (number | undefined)[];
  readonly complaints: readonly string[];
  readonly video: readonly StreamPacket[];
  readonly audio: readonly StreamPacket[];
}

export interface StreamPacket {
  /** Milliseconds. */
  readonly dts: number;
  readonly keyframe: boolean;
}

/** Lets ffprobe and ffmpeg judge what an ingest has recorded. */
export async function judgeRecording(file: string): Promise<Verdict> {
  const [video, audio, decoded] = await Promise.all([
    readPackets(file, "v"),
    readPackets(file, "a"),
    readFile(file).then((bytes) => decodeFrameNumbers(bytes, "flv")),
  ]);
  return { video, audio, ...decoded };
}

async function readPackets(file: string, stream: "v" | "a"): Promise<StreamPacket[]> {
  const { stdout } = await run(
    "ffprobe",
    [
      "-v",
      "error",
      "-select_streams",
      stream,
      "-show_entries",
      "packet=dts_time,flags",
      "-of",
      "csv=p=0",
      file,
    ],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  return stdout
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [time = "", flags = ""] = line.split(",");
      return { dts: Math.round(Number(time) * 1000), keyframe: flags.includes("K") };
    });
}

/** Steps from one packet to the next, milliseconds. */
export function steps(packets: readonly StreamPacket[]): number[] {
  return packets.slice(1).map(({ dts }, i) => dts - (packets[i]?.dts ?? 0));
}
