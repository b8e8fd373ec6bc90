import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { Fault } from "../../src/domain/fault.ts";
import type { AudioUnit } from "../../src/domain/media.ts";
import { nowUs } from "../../src/lib/clock.ts";
import { parseAudioSpecificConfig } from "../../src/media/aac.ts";
import { createAudioTranscoder } from "../../src/transcode/audio.ts";
import { ffmpeg, recordEvents } from "../helpers/collect.ts";
import { readOggPages } from "../helpers/ogg.ts";
import { ownChildren } from "../helpers/processes.ts";

const packetMs = 20;
const beepEveryMs = 500;
const beginUs = 123_456_789;
/** Opus packets of 20 ms; a beep of 50 ms begins every half second, at 0 ms first. */
let packets: readonly Buffer[] = [];

beforeAll(async () => {
  const beep = `aevalsrc=exprs='if(lt(mod(t,${beepEveryMs / 1000}),0.05),0.7*sin(2*PI*1000*t),0)':s=48000:d=8`;
  const opus = ["-c:a", "libopus", "-b:a", "64k", "-page_duration", `${packetMs * 1000}`, "-f", "ogg", "-"];
  const pages = readOggPages(await ffmpeg(["-f", "lavfi", "-i", beep, ...opus]));
  packets = pages.slice(2).map(({ payload }) => payload);
});

function opusUnit(index: number, laterMs = 0): AudioUnit {
  const ptsUs = beginUs + (index * packetMs + laterMs) * 1000;
  return { kind: "audio", ptsUs, codec: "opus", payload: packets[index] ?? Buffer.alloc(0) };
}

function startTranscoder() {
  const stop = new AbortController();
  const { report, notices } = recordEvents();
  const given: (AudioUnit & { readonly atUs: number })[] = [];
  const transcoder = createAudioTranscoder({
    report,
    emit: (unit) => void given.push({ ...unit, atUs: nowUs() }),
  });
  const running = transcoder.run(stop.signal);
  running.catch(() => {});
  const encoder = async (): Promise<number> => {
    await expect
      .poll(() => ownChildren().map(({ commandLine }) => commandLine))
      .toEqual([expect.stringContaining("aresample")]);
    return ownChildren()[0]?.pid ?? 0;
  };
  return {
    transcoder,
    given,
    notices,
    running,
    encoder,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await running.catch(() => {});
    },
  };
}

/** Pushes packets at their own pace and waits for the last one's sound. Gives the moment of the first one. */
async function play(
  { transcoder, given, encoder }: ReturnType<typeof startTranscoder>,
  units: readonly AudioUnit[],
): Promise<number> {
  await encoder();
  const began = nowUs();
  for (const unit of units) {
    const waitMs = (unit.ptsUs - (units[0]?.ptsUs ?? 0) - (nowUs() - began)) / 1000;
    if (waitMs > 0) await sleep(Math.min(waitMs, packetMs));
    transcoder.push(unit);
  }
  const last = units.at(-1)?.ptsUs ?? 0;
  await expect.poll(() => given.at(-1)?.ptsUs, { timeout: 10_000 }).toBeGreaterThan(last - 150_000);
  return began;
}

/** Session times, in milliseconds from the first packet on, at which a beep begins in the decoded AAC. */
async function beepsIn(units: readonly AudioUnit[]): Promise<number[]> {
  const adts = Buffer.concat(units.flatMap(({ payload }) => [adtsHeader(payload.length), payload]));
  const pcm = await ffmpeg(["-f", "aac", "-i", "pipe:0", "-ac", "1", "-f", "s16le", "-"], adts);
  const beeps: number[] = [];
  let quiet = Infinity;
  for (let sample = 0; sample < pcm.length / 2; sample += 1) {
    const unit = units[Math.floor(sample / 1024)];
    if (Math.abs(pcm.readInt16LE(sample * 2)) < 6000) quiet += 1;
    else {
      if (quiet > 9600 && unit !== undefined)
        beeps.push((unit.ptsUs - beginUs) / 1000 + (sample % 1024) / 48);
      quiet = 0;
    }
  }
  return beeps;
}

/** ISO/IEC 14496-3, 1.A.2: AAC-LC, 48 kHz, stereo, no checksum. */
function adtsHeader(length: number): Buffer {
  const size = length + 7;
  return Buffer.from([
    0xff,
    0xf1,
    0x4c,
    0x80 | (size >> 11),
    (size >> 3) & 0xff,
    ((size & 7) << 5) | 0x1f,
    0xfc,
  ]);
}

const farthestFromBeep = (beeps: readonly number[], laterMs = 0): number =>
  Math.max(
    ...beeps.map((ms) => Math.abs(ms - laterMs - Math.round((ms - laterMs) / beepEveryMs) * beepEveryMs)),
  );

describe("the camera's sound as AAC", () => {
  it("is 48 kHz stereo AAC-LC, without a gap, and on time", async () => {
    await using line = startTranscoder();
    const units = packets.slice(0, 200).map((_, index) => opusUnit(index));
    const beganUs = await play(line, units);
    const { given, transcoder } = line;
    expect(parseAudioSpecificConfig(given[0]?.config ?? new Uint8Array())).toEqual({
      sampleRate: 48_000,
      channels: 2,
    });
    const steps = given.slice(1).map(({ ptsUs }, index) => ptsUs - (given[index]?.ptsUs ?? 0));
    expect(Math.min(...steps)).toBeGreaterThanOrEqual(21_000);
    expect(Math.max(...steps)).toBeLessThanOrEqual(22_000);
    const beeps = await beepsIn(given);
    expect(beeps.length).toBeGreaterThanOrEqual(7);
    expect(beeps[0]).toBeLessThan(250); // nothing of the start is lost
    expect(farthestFromBeep(beeps)).toBeLessThan(20);
    // From the first sample of a unit being pushed to the unit being there: itself, the look-ahead, and ffmpeg.
    const waits = given
      .map(({ atUs, ptsUs }) => atUs - beganUs - (ptsUs - beginUs))
      .toSorted((x, y) => x - y);
    expect(waits[waits.length >> 1]).toBeLessThan(300_000);
    expect(transcoder.counters).toEqual({ taken: 200, dropped: 0, emitted: given.length });
  });

  it("keeps its time when packets were lost, with silence in their place", async () => {
    const lost = (index: number): boolean =>
      index === 30 ||
      index === 41 ||
      index === 42 ||
      (index >= 60 && index < 72) ||
      (index > 100 && index % 9 === 0);
    const units = packets.slice(0, 200).flatMap((_, index) => (lost(index) ? [] : [opusUnit(index)]));
    await using line = startTranscoder();
    await play(line, units);
    const beeps = await beepsIn(line.given);
    expect(beeps.length).toBeGreaterThanOrEqual(5);
    expect(farthestFromBeep(beeps)).toBeLessThan(20);
    const steps = line.given.slice(1).map(({ ptsUs }, index) => ptsUs - (line.given[index]?.ptsUs ?? 0));
    expect(Math.max(...steps)).toBeLessThanOrEqual(22_000);
  });

  it("does not fill a pause of more than a second, and is on time after it", async () => {
    const pauseMs = 90_000;
    const units = packets.slice(0, 200).map((_, index) => opusUnit(index, index < 80 ? 0 : pauseMs));
    await using line = startTranscoder();
    await play(line, units.slice(0, 80));
    for (const unit of units.slice(80)) {
      line.transcoder.push(unit);
      await sleep(5);
    }
    await expect
      .poll(() => line.given.at(-1)?.ptsUs, { timeout: 10_000 })
      .toBeGreaterThan((units.at(-1)?.ptsUs ?? 0) - 150_000);
    expect(line.given.length).toBeLessThan(200);
    const beeps = await beepsIn(line.given);
    const after = beeps.filter((ms) => ms > pauseMs);
    expect(after.length).toBeGreaterThanOrEqual(4);
    expect(farthestFromBeep(after, pauseMs)).toBeLessThan(20);
  });

  it("passes AAC on as it is, and counts what is no sound at all", async () => {
    await using line = startTranscoder();
    await line.encoder();
    const aac: AudioUnit = { kind: "audio", ptsUs: 1, codec: "aac", payload: Buffer.from([1]) };
    line.transcoder.push(aac);
    line.transcoder.push({ ...aac, codec: "opus", payload: Buffer.alloc(0) });
    line.transcoder.push({ ...aac, codec: "opus", payload: Buffer.alloc(70_000, 0xf8) });
    expect(line.given).toMatchObject([aac]);
    expect(line.transcoder.counters).toMatchObject({ taken: 0, dropped: 2 });
  });
});

describe("the ffmpeg behind the sound", () => {
  it("costs sound only when it dies, and another one takes over with the time going on", async () => {
    await using line = startTranscoder();
    await play(
      line,
      packets.slice(0, 40).map((_, index) => opusUnit(index)),
    );
    process.kill(await line.encoder(), "SIGKILL");
    await expect(line.running).rejects.toMatchObject({ code: "child-failed", retryable: true });
    line.transcoder.push(opusUnit(40));
    line.transcoder.push(opusUnit(41));
    expect(line.transcoder.counters.dropped).toBe(2);
    expect(line.notices()).toEqual([expect.stringContaining("is being dropped")]);
    const before = line.given.length;
    const stop = new AbortController();
    const again = line.transcoder.run(stop.signal);
    await play(
      line,
      packets.slice(50, 100).map((_, index) => opusUnit(50 + index)),
    );
    stop.abort();
    await again;
    const times = line.given.map(({ ptsUs }) => ptsUs);
    expect(times.length).toBeGreaterThan(before + 30);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(farthestFromBeep(await beepsIn(line.given.slice(before)))).toBeLessThan(20);
  });

  it("cannot block the camera when it hangs: what does not fit is dropped, and the hang is a fault", async () => {
    await using line = startTranscoder();
    process.kill(await line.encoder(), "SIGSTOP");
    for (let round = 0; round < 20; round += 1) {
      for (const index of packets.keys()) line.transcoder.push(opusUnit(index, round * 8000));
    }
    expect(line.transcoder.counters.dropped).toBeGreaterThan(1000);
    await expect(line.running).rejects.toMatchObject({
      code: "child-failed",
      message: expect.stringContaining("gave nothing back for 5 s"),
    });
    expect(ownChildren()).toEqual([]);
  });

  it("is gone when it was stopped", async () => {
    const line = startTranscoder();
    await line.encoder();
    await line[Symbol.asyncDispose]();
    await expect(line.running).resolves.toBeUndefined();
    expect(ownChildren()).toEqual([]);
  });

  it("may be missing", async () => {
    const { PATH } = process.env;
    process.env.PATH = "/nowhere";
    try {
      const { run } = createAudioTranscoder({ emit() {}, report() {} });
      await expect(run(new AbortController().signal)).rejects.toBeInstanceOf(Fault);
    } finally {
      process.env.PATH = PATH;
    }
  });
});
