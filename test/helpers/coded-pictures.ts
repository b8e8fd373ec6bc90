import type { VideoUnit } from "../../src/domain/media.ts";
import { FlvReader } from "../../src/media/flv-reader.ts";
import { PictureAssembler } from "../../src/media/flv-units.ts";
import { codeColumns, drawGrid, gridRows } from "../../src/simulator/robot/picture-code.ts";
import { decodeFrameNumbers } from "./bar-code.ts";
import { ffmpeg } from "./collect.ts";

export interface CodedPictures {
  readonly count: number;
  /** Frame number of the first picture; its time follows from it. */
  readonly first?: number;
  readonly size?: string;
  /** Further arguments of the encoder. */
  readonly encoder?: readonly string[];
}

export const pictureRate = 30;
const beginUs = 123_456_789;

/** The time of the picture with this number: near to a 30th of a second after the one before, but never exactly. */
export function timeOfPicture(number: number): number {
  return beginUs + Math.round((number * 1_000_000) / pictureRate) + ((number * 7919) % 4001);
}

/** Real H.264, each picture with its number as a bar code. IDRs are where the encoder puts them. */
export async function codedPictures(pictures: CodedPictures): Promise<VideoUnit[]> {
  const { count, first = 0, size = "640x360", encoder = ["-g", "30"] } = pictures;
  const grids = Array.from({ length: count }, (_, index) => drawGrid(first + index, "quad", false));
  const flv = await ffmpeg(
    [
      ...["-f", "rawvideo", "-pixel_format", "yuv420p", "-video_size", `${codeColumns}x${gridRows}`],
      ...[
        "-framerate",
        String(pictureRate),
        "-i",
        "pipe:0",
        "-vf",
        `scale=${size.replace("x", ":")}:flags=neighbor`,
      ],
      ...[
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-tune",
        "zerolatency",
        "-threads",
        "1",
        "-sc_threshold",
        "0",
      ],
      ...[...encoder, "-flvflags", "no_duration_filesize", "-f", "flv", "pipe:1"],
    ],
    Buffer.concat(grids),
  );
  const assembler = new PictureAssembler();
  const units: VideoUnit[] = [];
  for (const tag of new FlvReader().push(flv)) {
    if (tag.kind === "avc-config") assembler.configure(tag);
    if (tag.kind !== "video") continue;
    // Decoding times are those of the picture in this place; showing times those of the picture itself.
    const shown = first + Math.round((tag.ptsMs * pictureRate) / 1000);
    const dtsUs = timeOfPicture(first + Math.round((tag.dtsMs * pictureRate) / 1000));
    units.push({
      kind: "video",
      ptsUs: timeOfPicture(shown),
      dtsUs,
      rtpTimestamp: shown * 3000,
      receivedUs: dtsUs + 5000,
      packets: [],
      ...assembler.assemble(tag.avcc),
    });
  }
  return units;
}

/** The frame numbers of pictures as a decoder shows them, and what it complained about. */
export function decodePictures(units: readonly VideoUnit[]): ReturnType<typeof decodeFrameNumbers> {
  const startCode = Buffer.from([0, 0, 0, 1]);
  return decodeFrameNumbers(
    Buffer.concat(units.flatMap(({ nalus }) => nalus.flatMap((nalu) => [startCode, nalu]))),
  );
}
