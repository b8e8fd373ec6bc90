import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import type { VideoUnit } from "../../src/domain/media.ts";
import { FlvReader } from "../../src/media/flv-reader.ts";
import { PictureAssembler } from "../../src/media/flv-units.ts";
import { flvFileHeader, flvSequenceHeaderTag, flvVideoTag } from "../../src/media/flv-writer.ts";
import { nalType, typeOf } from "../../src/media/h264.ts";
import { ffmpeg } from "../helpers/collect.ts";
import { noGstreamer, provenChain } from "../helpers/gstreamer.ts";
import { cpuSeconds, ownChildren } from "../helpers/processes.ts";
import { startTranscoder } from "../helpers/transcoder-line.ts";

const seconds = 10;
const [before, after] = [4_000_000, 1_500_000];

/** A moving picture with noise, which takes every bit that it is given: 1080p30, an IDR every 2 s. */
async function noisyPictures(): Promise<VideoUnit[]> {
  const source = `testsrc2=size=1920x1080:rate=30:duration=${seconds},noise=alls=12:allf=t`;
  const flv = await ffmpeg([
    ...["-f", "lavfi", "-i", source, "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency"],
    ...["-g", "60", "-b:v", "8M", "-maxrate", "8M", "-bufsize", "8M", "-pix_fmt", "yuv420p"],
    ...["-flvflags", "no_duration_filesize", "-f", "flv", "pipe:1"],
  ]);
  const assembler = new PictureAssembler();
  const units: VideoUnit[] = [];
  for (const tag of new FlvReader().push(flv)) {
    if (tag.kind === "avc-config") assembler.configure(tag);
    if (tag.kind !== "video") continue;
    const [ptsUs, dtsUs] = [1000 * tag.ptsMs, 1000 * tag.dtsMs];
    const picture = assembler.assemble(tag.avcc);
    units.push({
      kind: "video",
      ptsUs,
      dtsUs,
      rtpTimestamp: tag.ptsMs * 90,
      receivedUs: dtsUs,
      packets: [],
      ...picture,
    });
  }
  return units;
}

async function probe(units: readonly VideoUnit[]) {
  const folder = await mkdtemp(join(tmpdir(), "spotlive-gstreamer-"));
  try {
    const file = join(folder, "given.flv");
    const find = (type: number): Uint8Array =>
      units[0]?.nalus.find((nalu) => typeOf(nalu) === type) ?? new Uint8Array();
    const sets = { sps: find(nalType.sps), pps: find(nalType.pps) };
    const tags = units.map((unit) => flvVideoTag(unit, unit.dtsUs / 1000, unit.ptsUs / 1000));
    await writeFile(file, Buffer.concat([flvFileHeader(), flvSequenceHeaderTag(sets, 0), ...tags]));
    const { stdout, stderr } = await promisify(execFile)(
      "ffprobe",
      [
        ...["-v", "warning", "-count_frames", "-of", "json"],
        ...["-show_entries", "stream=width,height,nb_read_frames:packet=pts_time,size", file],
      ],
      { maxBuffer: 2 ** 26 },
    );
    const { streams, packets } = JSON.parse(stdout) as {
      readonly streams: readonly unknown[];
      readonly packets: readonly { readonly pts_time: string; readonly size: string }[];
    };
    const bitsPerSecond = (fromSecond: number, toSecond: number): number =>
      packets
        .filter(({ pts_time: time }) => Number(time) >= fromSecond && Number(time) < toSecond)
        .reduce((sum, { size }) => sum + Number(size) * 8, 0) /
      (toSecond - fromSecond);
    return { stream: streams[0], complaints: stderr.trim(), bitsPerSecond };
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe.skipIf(noGstreamer !== undefined)("1080p30 through GStreamer", () => {
  it("becomes 720p, and its bit rate changes while it runs", async () => {
    const source = await noisyPictures();
    await using line = startTranscoder(
      { width: 1280, height: 720, bitsPerSecond: before, idrSeconds: 2 },
      provenChain(),
    );
    const { transcoder, given, notices } = line;
    const half = source.length / 2;
    await line.push(source.slice(0, half));
    await line.until(half);
    expect(transcoder.setBitrate(after)).toBe(true);
    await line.push(source.slice(half));
    await line.until(source.length);
    const cpu = cpuSeconds(ownChildren()[0]?.pid ?? 0) / seconds;
    const { stream, complaints, bitsPerSecond } = await probe(given);
    expect(complaints).toBe("");
    expect(stream).toEqual({ width: 1280, height: 720, nb_read_frames: String(source.length) });
    expect(transcoder.counters).toMatchObject({ taken: 300, dropped: 0, emitted: 300, restarts: 0 });
    const rates = [bitsPerSecond(1, 5), bitsPerSecond(6, 10)];
    for (const [index, wanted] of [before, after].entries()) {
      expect(rates[index]).toBeGreaterThan(0.75 * wanted);
      expect(rates[index]).toBeLessThan(1.15 * wanted);
    }
    expect(notices()).toEqual([]);
    const megabits = rates.map((rate) => (rate / 1e6).toFixed(2)).join(" then ");
    console.log(`1080p30 to 720p: ${megabits} Mbit/s, ${cpu.toFixed(2)} CPU seconds a second`);
  });
});
