import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { splitNalus, typeOf } from "../../../../src/web/preview/frame.ts";
import { fragment, initSegment, timescale } from "../../../../src/web/preview/mp4.ts";

const run = promisify(execFile);
const recording = new URL("../../../fixtures/openh264-160x96.h264", import.meta.url);
const size = { width: 160, height: 96 };
const step = timescale / 25;

describe("fragmented MP4", () => {
  it("is played by ffmpeg: every picture, in its time, without a complaint", async () => {
    const nalus = splitNalus(Uint8Array.from(await readFile(recording)));
    const slices = nalus.filter((nalu) => typeOf(nalu) === 1 || typeOf(nalu) === 5);
    const [sps, pps] = [7, 8].map((type) => nalus.find((nalu) => typeOf(nalu) === type));
    if (sps === undefined || pps === undefined) throw new Error("the recording has no parameter sets");
    const folder = await mkdtemp(join(tmpdir(), "spotlive-mp4-"));
    try {
      const file = join(folder, "picture.mp4");
      const fragments = slices.map((nalu, index) =>
        fragment({
          ...{ sequence: index + 1, time: index * step, duration: step },
          ...{ isKey: typeOf(nalu) === 5, nalus: [nalu] },
        }),
      );
      await writeFile(file, Buffer.concat([initSegment(size, { sps, pps }), ...fragments]));
      const frames = ["-v", "warning", "-of", "json", "-show_frames", "-show_streams", file];
      const { stdout, stderr } = await run("ffprobe", frames, { maxBuffer: 64 * 1024 * 1024 });
      const probed = JSON.parse(stdout) as {
        readonly frames: readonly { readonly pts: number; readonly pict_type: string }[];
        readonly streams: readonly object[];
      };
      expect(stderr).toBe("");
      expect(probed.streams).toMatchObject([{ codec_name: "h264", width: 160, height: 96 }]);
      expect(probed.frames.map(({ pts }) => pts)).toEqual(slices.map((_, index) => index * step));
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
