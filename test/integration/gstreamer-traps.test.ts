import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import type { GstreamerChain, GstreamerElement } from "../../src/domain/board.ts";
import type { VideoUnit } from "../../src/domain/media.ts";
import { nowUs } from "../../src/lib/clock.ts";
import { joinAvcc } from "../../src/media/flv-reader.ts";
import { GopCache } from "../../src/media/gop-cache.ts";
import type { ToGstreamer } from "../../src/transcode/gstreamer-protocol.ts";
import { startGstreamer, whyNoGstreamer } from "../../src/transcode/gstreamer-process.ts";
import type { VideoTranscoderOptions } from "../../src/transcode/video-transcoder.ts";
import { codedPictures, decodePictures, timeOfPicture } from "../helpers/coded-pictures.ts";
import { noGstreamer, provenChain, softwareChain, withoutAddon } from "../helpers/gstreamer.ts";
import { isAlive, ownChildren } from "../helpers/processes.ts";
import {
  expectNumbers,
  patience,
  pictureMs,
  range,
  startTranscoder,
  timesOf,
} from "../helpers/transcoder-line.ts";

/** 240 pictures with an IDR every 60. */
let source: readonly VideoUnit[] = [];
beforeAll(async () => {
  source = await codedPictures({ count: 240, encoder: ["-g", "60"] });
});

const startLine = (options: Partial<VideoTranscoderOptions> = {}, chain = softwareChain) =>
  startTranscoder({}, { ...provenChain(chain), ...options });

function gstreamerPid(): number {
  const children = ownChildren();
  expect(children).toEqual([
    expect.objectContaining({ commandLine: expect.stringContaining("gstreamer-child") }),
  ]);
  return children[0]?.pid ?? 0;
}

const descriptors = (): number => readdirSync("/proc/self/fd").length;
const faultOf = (running: Promise<void>): Promise<unknown> =>
  running.then(
    () => undefined,
    (error: unknown) => error,
  );

describe.skipIf(noGstreamer !== undefined)("the process behind GStreamer", () => {
  it.each([
    ["SIGKILL", "SIGSEGV"],
    ["SIGSEGV", "SIGKILL"],
  ] as const)(
    "may die of %s, then of %s: the next begins with the current picture in 500 ms",
    async (...deaths) => {
      const cache = new GopCache();
      const gop = (): VideoUnit[] => cache.units.filter((unit) => unit.kind === "video");
      await using line = startLine({ gop });
      const { given, transcoder } = line;
      const play = async (from: number, to: number): Promise<void> => {
        for (const unit of source.slice(from, to)) {
          cache.push(unit);
          transcoder.push(unit);
          await sleep(pictureMs);
        }
      };
      const resumedMs: number[] = [];
      let next = 40;
      await play(0, next);
      for (const signal of deaths) {
        await line.until(next);
        const running = line.running();
        const diedUs = nowUs();
        process.kill(gstreamerPid(), signal);
        await expect(running).rejects.toMatchObject({
          code: "child-failed",
          retryable: true,
          message: expect.stringContaining(`GStreamer, encoding the picture, ended with signal ${signal}`),
        });
        expect(transcoder.counters.decoding).toBe(false);
        expect(given).toHaveLength(next);
        void line.run();
        await play(next, next + 40);
        await line.until(next + 40);
        const first = given[next];
        resumedMs.push(Math.round(((first?.atUs ?? Infinity) - diedUs) / 1000));
        expect(first?.keyframe).toBe(true);
        await expectNumbers(given.slice(next), range(next, next + 40));
        next += 40;
      }
      expect(transcoder.counters).toMatchObject({ restarts: 2, decoding: true });
      expect(line.notices()).toEqual(["The encoder x264 has failed 2 times: libx264 is used from now on."]);
      console.log(`current picture ${resumedMs.join(", ")} ms after a death`);
      expect(Math.min(...resumedMs)).toBeLessThan(500); // the other may have had to wait for a busy machine
    },
  );

  it("begins with the newest picture of a GOP, and with none that was shown before", async () => {
    let gop = source.slice(0, 50);
    await using line = startLine({ gop: () => gop });
    await line.until(1);
    await line.push(source.slice(50, 56));
    await line.until(7);
    await expectNumbers(line.given, range(49, 56));
    await line.stop();
    gop = source.slice(0, 56);
    void line.run();
    await expect.poll(() => line.transcoder.counters.decoding, patience).toBe(true);
    await line.push(source.slice(56, 60));
    await line.until(11);
    await expectNumbers(line.given.slice(7), range(56, 60));
  });

  it("cannot block the camera when it hangs, and is killed for it", async () => {
    await using line = startLine({ stallMs: 1500 });
    const outcome = faultOf(line.running());
    await line.push(source.slice(0, 10));
    process.kill(gstreamerPid(), "SIGSTOP");
    const beganUs = nowUs();
    await line.play(source.slice(10, 90));
    expect(await outcome).toMatchObject({
      code: "child-failed",
      message:
        "GStreamer, encoding the picture, stalled: it was given pictures for 1.5 s and gave none back.",
    });
    expect((nowUs() - beganUs) / 1000).toBeLessThan(5000);
    expect(ownChildren()).toEqual([]);
  });

  it("is fed no more than it can take, and goes on with an IDR when it can again", async () => {
    await using line = startLine({ stallMs: 60_000 });
    await line.push(source.slice(0, 10));
    await line.until(10);
    const pid = gstreamerPid();
    process.kill(pid, "SIGSTOP");
    for (const unit of source.slice(10, 150)) line.transcoder.push(unit);
    const { counters } = line.transcoder;
    expect(counters).toMatchObject({ taken: 70, dropped: 80 });
    expect(line.notices()).toEqual([expect.stringContaining("Pictures are being dropped")]);
    process.kill(pid, "SIGCONT");
    await line.until(70);
    await line.push(source.slice(150, 210));
    await line.until(100);
    await expectNumbers(line.given, [...range(0, 70), ...range(180, 210)]);
  });

  it("survives damage, and so does the picture after it", async () => {
    await using line = startLine();
    await line.push(source.slice(0, 20));
    let seed = 1;
    const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    const damaged = source.slice(20, 120).map((unit): VideoUnit => {
      const nalus = unit.nalus.map((nalu) => {
        const bytes = Buffer.from(nalu);
        for (let hit = 0; hit < 1 + bytes.length / 50; hit += 1) {
          bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
        }
        return bytes;
      });
      return { ...unit, nalus, avcc: joinAvcc(nalus) };
    });
    await line.play(damaged, 3);
    await line.play(source.slice(120, 180), 3);
    await expect.poll(() => line.given.at(-1)?.ptsUs, patience).toBe(timeOfPicture(179));
    const after = line.given.filter(({ ptsUs }) => ptsUs >= timeOfPicture(120));
    expect(timesOf(after)).toEqual(range(120, 180).map(timeOfPicture));
    expect((await decodePictures(line.given)).numbers.slice(-60)).toEqual(range(120, 180));
    expect(ownChildren()).toHaveLength(1);
  });

  it("is gone at the first SIGTERM, although it waits for the bus, and shows nobody its pipeline", async () => {
    const line = startLine();
    await line.push(source.slice(0, 30));
    gstreamerPid();
    expect(ownChildren()[0]?.commandLine).not.toContain("x264enc");
    const beganUs = nowUs();
    await line.stop();
    const tookMs = (nowUs() - beganUs) / 1000;
    console.log(`stopped in ${Math.round(tookMs)} ms`);
    expect(tookMs).toBeLessThan(250); // a second SIGTERM would come after 300 ms, SIGKILL after 600
    expect(ownChildren()).toEqual([]);
  });

  it("does not hang at its end, where process.exit() would wait for a silent bus for ever", async () => {
    const { signal } = new AbortController();
    await using running = await startGstreamer(
      "fdsrc fd=0 ! fdsink fd=3 async=false",
      { warn: () => {} },
      signal,
    );
    running.stdin.write("it plays");
    await once(running.output, "data");
    process.kill(gstreamerPid(), "SIGTERM");
    await expect(running.done).rejects.toThrow("ended with signal SIGKILL"); // its own
  }, 10_000);

  it("leaves no descriptor and no process behind, however often it is started", async () => {
    const line = startLine();
    const runOnce = async (): Promise<void> => {
      void line.run();
      const [before, laterUs] = [line.given.length, line.given.length * 10_000_000];
      for (const unit of source.slice(0, 3)) {
        line.transcoder.push({ ...unit, dtsUs: unit.dtsUs + laterUs, ptsUs: unit.ptsUs + laterUs });
      }
      await line.until(before + 3);
      await line.stop();
    };
    await line.stop();
    await runOnce();
    const before = descriptors();
    for (let time = 0; time < 10; time += 1) await runOnce();
    expect(descriptors()).toBe(before);
    expect(ownChildren()).toEqual([]);
  });

  it("takes no thread from this one: files and names are still looked up beside four of them", async () => {
    const lines = Array.from({ length: 4 }, () => startTranscoder({ width: 160, height: 90 }, provenChain()));
    try {
      for (const line of lines) await line.push(source.slice(0, 5));
      expect(ownChildren()).toHaveLength(4);
      const [text, address] = await Promise.all([readFile(import.meta.filename), lookup("localhost")]);
      expect(text.length).toBeGreaterThan(0);
      expect(address.address).toMatch(/^(127\.|::1)/);
      expect(readFileSync("/proc/self/maps", "latin1")).not.toContain("libgstreamer");
    } finally {
      for (const line of lines) await line[Symbol.asyncDispose]();
    }
  });

  it("dies with its parent", async () => {
    const script = `import { startGstreamer } from "${new URL("../../src/transcode/gstreamer-process.ts", import.meta.url).href}";
      await startGstreamer("fdsrc fd=0 ! fdsink fd=3", { warn: () => {} }, new AbortController().signal);
      console.log("started");`;
    const parent = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    for await (const line of createInterface({ input: parent.stdout })) if (line === "started") break;
    const children = readFileSync(`/proc/${parent.pid}/task/${parent.pid}/children`, "latin1");
    const pid = Number(children.trim());
    expect(pid).toBeGreaterThan(0);
    expect(isAlive(pid)).toBe(true);
    parent.kill("SIGKILL");
    await expect.poll(() => isAlive(pid), patience).toBe(false);
  });
});

describe.skipIf(noGstreamer !== undefined)("a chain that GStreamer refuses", () => {
  const withDecoder = (...decode: GstreamerElement[]): GstreamerChain => ({ ...softwareChain, decode });

  it.each([
    ["an unknown element", withDecoder({ element: "nosuchdec", properties: {} }), `no element "nosuchdec"`],
    [
      "an unknown property",
      withDecoder({ element: "avdec_h264", properties: { nosuch: 1 } }),
      `no property "nosuch" in element "avdec_h264"`,
    ],
  ])("is a fault that names %s, and the next try is in software", async (_what, chain, why) => {
    await using line = startLine({}, chain);
    const outcome = faultOf(line.running());
    line.transcoder.push(source[0] ?? ({} as VideoUnit));
    const message = `GStreamer cannot build the chain: ${why}.`;
    const cause = { code: "not-supported", retryable: false };
    expect(await outcome).toMatchObject({ code: "child-failed", message, cause });
    expect(ownChildren()).toEqual([]);
    expect(line.notices()).toEqual(["The encoder x264 cannot be used: libx264 is used from now on."]);
    void line.run();
    await line.push(source.slice(60, 90));
    await line.until(30);
    await expectNumbers(line.given, range(60, 90));
  });

  it("while it runs is a fault with the element's name", async () => {
    const chain = withDecoder(
      { element: "avdec_h264", properties: {} },
      { element: "identity", properties: { name: "tired", "error-after": 5 } },
    );
    await using line = startLine({}, chain);
    const outcome = faultOf(line.running());
    for (const unit of source.slice(0, 20)) line.transcoder.push(unit);
    expect(await outcome).toMatchObject({
      code: "child-failed",
      message: expect.stringMatching(/^GStreamer, encoding the picture, failed in tired: ./),
    });
  });
});

describe.skipIf(noGstreamer !== undefined)("a property", () => {
  it("is exact in the pipeline's text, and while it runs only set to what arrives unchanged", async () => {
    const stop = new AbortController();
    const texts: string[] = [];
    const pipeline = "fdsrc fd=0 ! identity name=encoder sleep-time=123456789 ! fdsink fd=3";
    await using running = await startGstreamer(pipeline, { warn: (text) => texts.push(text) }, stop.signal);
    const set = (property: string, value: unknown): void =>
      running.tell({ type: "set", element: "encoder", property, value } as ToGstreamer);
    set("sleep-time", 123_456_789); // a C float makes it 123456792
    set("sleep-time", null);
    set("sleep-time", { deep: true });
    set("nosuch", 1);
    set("sleep-time", "16"); // GObject turns no string into a number, and says so on standard error only
    set("sleep-time", 16_777_216);
    set("silent", true);
    set("last", 0);
    await expect.poll(() => texts.at(-1), patience).toContain("last");
    expect(texts).toEqual([
      "GStreamer: sleep-time of encoder was not set to 123456789: it does not pass unchanged.",
      "GStreamer: sleep-time of encoder was not set to null: it does not pass unchanged.",
      "GStreamer: sleep-time of encoder was not set to [object Object]: it does not pass unchanged.",
      "GStreamer: nosuch of encoder was not set to 1: there is no such property.",
      "GStreamer: sleep-time of encoder was not set to 16: it is 123456789.",
      "GStreamer: last of encoder was not set to 0: there is no such property.",
    ]);
  });

  it("that the encoder does not take while it runs is for the next process", async () => {
    const { bitrate: _, ...chain } = softwareChain;
    await using line = startLine({}, chain);
    await line.push(source.slice(0, 5));
    expect(line.transcoder.setBitrate(300_000)).toBe(false);
  });
});

describe("without the add-on", () => {
  it("says what is missing and how to get it", async () => {
    await using _missing = await withoutAddon();
    const text =
      "The GStreamer add-on is not installed: Cannot find module 'gstreamer-superficial'. " +
      "`sh .ci/setup gstreamer` builds it.";
    expect(await whyNoGstreamer(new AbortController().signal)).toBe(text);
    await using line = startLine();
    const outcome = faultOf(line.running());
    line.transcoder.push(source[0] ?? ({} as VideoUnit));
    const cause = { code: "child-missing" };
    expect(await outcome).toMatchObject({ code: "child-failed", message: text, cause });
    expect(ownChildren()).toEqual([]);
  });
});
