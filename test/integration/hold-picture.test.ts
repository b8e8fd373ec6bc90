import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FlvReader, splitAvcc } from "../../src/media/flv-reader.ts";
import { isSlice, nalType, typeOf } from "../../src/media/h264.ts";
import { createSkipPictures } from "../../src/media/skip-picture.ts";
import { ffmpeg } from "../helpers/collect.ts";
import { withOrderCounts } from "../helpers/order-count.ts";
import { unitsFromAnnexB } from "../helpers/publish.ts";

/** A stream of 90 pictures with an IDR at 0, 30 and 60. */
interface Stream {
  readonly sps: Uint8Array;
  readonly pps: Uint8Array;
  readonly pictures: readonly (readonly Uint8Array[])[];
}

const gop = 30;
const pictureCount = 90;
/** The last picture before the camera goes away, in the middle of its GOP; the camera comes back with its next IDR. */
const last = 44;
const lastIdr = 30;
const back = 60;
const heldCount = 30;

async function encode(argv: readonly string[], size = "320x180"): Promise<Stream> {
  const source = `testsrc2=size=${size}:rate=30:duration=${pictureCount / 30},fade=in:0:${pictureCount}`;
  const fixed = [
    "-bf",
    "0",
    "-g",
    `${gop}`,
    "-keyint_min",
    `${gop}`,
    "-sc_threshold",
    "0",
    "-pix_fmt",
    "yuv420p",
  ];
  const video = ["-c:v", "libx264", "-preset", "veryfast", "-threads", "1", ...fixed, ...argv];
  const flv = await ffmpeg(["-f", "lavfi", "-i", source, ...video, "-f", "flv", "-"]);
  const tags = [...new FlvReader().push(flv)];
  const config = tags.find((tag) => tag.kind === "avc-config");
  const [sps, pps] = [config?.sps[0], config?.pps[0]];
  if (sps === undefined || pps === undefined) throw new Error("The stream has no parameter sets.");
  return { sps, pps, pictures: tags.flatMap((tag) => (tag.kind === "video" ? [splitAvcc(tag.avcc)] : [])) };
}

async function baselineWithOrderCounts(): Promise<Stream> {
  const { sps, pps, pictures } = await encode(["-profile:v", "baseline"]);
  return { pps, ...withOrderCounts(sps, pictures) };
}

/**
 * CAVLC, order count type 0, 15 bits of frame_num. ffmpeg cannot make this; the file was made with
 * `gst-launch-1.0 videotestsrc num-buffers=90 pattern=ball background-color=0xff204060 !
 * video/x-raw,width=160,height=96,framerate=30/1,format=I420 ! openh264enc gop-size=30 rate-control=off qp-min=30
 * qp-max=40 ! video/x-h264,stream-format=byte-stream ! filesink location=openh264-160x96.h264` (openh264 2.3.1).
 */
async function openh264(): Promise<Stream> {
  const units = await unitsFromAnnexB(join(import.meta.dirname, "../fixtures/openh264-160x96.h264"), 30);
  const pictures = units.map(({ nalus }) => nalus);
  const [sps, pps] = [nalType.sps, nalType.pps].map((type) =>
    pictures[0]?.find((nalu) => typeOf(nalu) === type),
  );
  if (sps === undefined || pps === undefined) throw new Error("The stream has no parameter sets.");
  return { sps, pps, pictures };
}

/** What a decoder shows: the hash of each picture. Rejects if the decoder has anything to say. */
async function decode({ sps, pps }: Stream, pictures: readonly (readonly Uint8Array[])[]): Promise<string[]> {
  const nalus = pictures.flatMap((picture) => {
    const isIdr = picture.some((nalu) => typeOf(nalu) === nalType.idr);
    return isIdr ? [sps, pps, ...picture] : picture;
  });
  const stream = Buffer.concat(nalus.flatMap((nalu) => [Buffer.from([0, 0, 0, 1]), nalu]));
  const strict = ["-loglevel", "warning", "-xerror", "-err_detect", "crccheck+bitstream+buffer+explode"];
  const input = [...strict, "-threads", "1", "-f", "h264", "-framerate", "30", "-i", "pipe:0"];
  const table = await ffmpeg([...input, "-fps_mode", "passthrough", "-f", "framemd5", "-"], stream);
  const lines = table.toString().split("\n");
  return lines.flatMap((line) => (/^\d/.test(line) ? [line.slice(line.lastIndexOf(",") + 1).trim()] : []));
}

function held<T>(value: T): T[] {
  return Array.from({ length: heldCount }, () => value);
}

describe("skip pictures", () => {
  it.each([
    { stream: "x264 baseline", make: () => encode(["-profile:v", "baseline"]), sliceCount: 1 },
    {
      stream: "x264 baseline of four slices",
      make: () => encode(["-profile:v", "baseline", "-slices", "4"]),
      sliceCount: 4,
    },
    { stream: "x264 baseline with order count type 0", make: baselineWithOrderCounts, sliceCount: 1 },
    { stream: "openh264, which has order count type 0", make: openh264, sliceCount: 1 },
    { stream: "x264 main", make: () => encode(["-profile:v", "main"]), sliceCount: 1 },
    {
      stream: "x264 high with 8x8 transform, three references and weights",
      make: () => encode(["-profile:v", "high", "-refs", "3", "-weightp", "2", "-x264-params", "8x8dct=1"]),
      sliceCount: 1,
    },
    {
      stream: "x264 high with scaling lists, in three slices",
      make: () => encode(["-profile:v", "high", "-x264-params", "cqm=jvt:ref=3:slices=3"]),
      sliceCount: 3,
    },
    {
      stream: "x264 main at 1280x720",
      make: () => encode(["-profile:v", "main", "-preset", "superfast"], "1280x720"),
      sliceCount: 1,
    },
  ])("hold the picture of $stream until it comes back", async ({ make, sliceCount }) => {
    const stream = await make();
    const { sps, pps, pictures } = stream;
    const idrs = pictures.flatMap((picture, i) =>
      picture.some((n) => typeOf(n) === nalType.idr) ? [i] : [],
    );
    expect([pictures.length, ...idrs]).toEqual([pictureCount, 0, lastIdr, back]);
    const slicesOf = (picture: readonly Uint8Array[]): number =>
      picture.filter((n) => isSlice(typeOf(n))).length;
    expect(new Set(pictures.map(slicesOf))).toEqual(new Set([sliceCount]));
    const undisturbed = await decode(stream, pictures);
    expect(new Set(undisturbed).size).toBe(pictureCount);

    const skip = createSkipPictures(sps, pps);
    if (typeof skip === "string") throw new Error(skip);
    for (const picture of pictures) expect(skip.follow(picture)).toBeUndefined();
    const holdOn = (index: number): Uint8Array[][] => {
      expect(skip.follow(pictures[index] ?? [])).toBeUndefined();
      return Array.from({ length: heldCount }, () => [skip.next()]);
    };
    const sent = [
      ...pictures.slice(0, last + 1),
      ...holdOn(last),
      ...pictures.slice(lastIdr, lastIdr + 1),
      ...holdOn(lastIdr),
      ...pictures.slice(back),
    ];
    expect(await decode(stream, sent)).toEqual([
      ...undisturbed.slice(0, last + 1),
      ...held(undisturbed[last]),
      undisturbed[lastIdr],
      ...held(undisturbed[lastIdr]),
      ...undisturbed.slice(back),
    ]);
  });
});
