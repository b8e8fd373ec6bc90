import { describe, expect, it } from "vitest";
import { ahead, blockBytes, intoBlocks } from "../../../../image/card/blocks.ts";
import { explain } from "../../../../image/card/explain.ts";
import { readOptions } from "../../../../image/card/options.ts";
import { progressText, startMeter } from "../../../../image/card/progress.ts";
import type { Progress } from "../../../../image/card/progress.ts";
import type { IoFailure } from "../../../../image/card/medium.ts";
import type { Verdict } from "../../../../image/card/verdict.ts";

describe("progress", () => {
  it("is told at its pace and at the end, with rate and remaining time", () => {
    let nowUs = 0;
    const told: Progress[] = [];
    const meter = startMeter(
      "writing",
      3e9,
      250,
      (progress) => told.push(progress),
      () => nowUs,
    );
    for (let block = 1; block <= 30; block++) {
      nowUs += 100_000;
      meter.onBytes(block * 1e8);
    }
    expect(told.map(({ bytes }) => bytes / 1e8)).toEqual([3, 6, 9, 12, 15, 18, 21, 24, 27, 30]);
    expect(meter.end()).toBe(1e9);
    const texts = told.map(progressText);
    expect(texts[3]).toBe("writing: 1.2 GB of 3.0 GB, 40 %, 1000.0 MB/s, 2 s left");
    expect(texts.at(-1)).toBe("writing: 3.0 GB done, 1000.0 MB/s");
  });

  it("tells long times in minutes and hours", () => {
    const slow = { phase: "writing", bytes: 1e9, total: 3e9, bytesPerSecond: 1e6, isEnd: false } as const;
    const texts = [89, 3600, 5400].map((secondsLeft) => progressText({ ...slow, secondsLeft }));
    expect(texts.map((text) => text.split(", ").at(-1))).toEqual([
      "1 min 29 s left",
      "1 h 0 min left",
      "1 h 30 min left",
    ]);
  });
});

describe("the words for a verdict", () => {
  const failure = (operation: IoFailure["operation"], isGone: boolean): IoFailure => ({
    ...{ kind: "failed", operation, offset: 5e9, code: "EIO", isGone },
  });
  it.each<readonly [Verdict, readonly string[], string]>([
    [{ kind: "proven" }, [], "they are right"],
    [{ kind: "image-damaged", text: "x.img is damaged" }, ["image"], "x.img is damaged"],
    [{ kind: "image-changed", text: "other bytes" }, ["computer", "image"], "other bytes"],
    [
      { kind: "write-failed", failure: failure("write", false) },
      ["reader", "power", "card"],
      "5000000000 (5.0 GB)",
    ],
    [{ kind: "write-failed", failure: failure("write", true) }, ["reader", "power"], "vanished"],
    [
      { kind: "read-failed", failure: failure("read", false) },
      ["card", "reader"],
      "5000000000 (5.0 GB) failed (EIO)",
    ],
    [{ kind: "read-failed", failure: failure("read", true) }, ["reader", "power"], "vanished"],
    [{ kind: "reads-differ", offset: 512 }, ["reader", "power"], "byte 512"],
    [
      { kind: "write-lost", offset: 512, places: 2 },
      ["reader", "card", "power"],
      "2 places, the first at byte 512",
    ],
    [{ kind: "worn", offset: 512, places: 1 }, ["card"], "One place, at byte 512"],
    [
      { kind: "fake-capacity", claimedBytes: 128e9, realBytes: 8e9 },
      ["card"],
      "says that it holds 128 GB, and keeps about 8.0 GB",
    ],
  ])("name what is at fault: %#", (verdict, suspects, words) => {
    const explanation = explain(verdict, "/dev/sdb", 4e9);
    expect(explanation.suspects).toEqual(suspects);
    expect(explanation.text).toContain(words);
    expect(explanation.advice).toMatch(/\.$/);
  });
});

describe("a command line", () => {
  it("is read", () => {
    expect(readOptions(["a.img", "/dev/sdb", "--yes", "--yes-this-disk", "/dev/sdb"])).toMatchObject({
      ...{ image: "a.img", disk: "/dev/sdb", thisDisk: "sdb", isAgreed: true, isJson: false, isFile: false },
    });
  });

  it.each([[["--force"]], [["a.img", "/dev/sdb", "/dev/sdc"]], [["--config"]]])(
    "that is wrong is a mistake of usage: %j",
    (words) => {
      expect(() => readOptions(words)).toThrow(expect.objectContaining({ code: "usage" }));
    },
  );
});

describe("the pieces of an image", () => {
  async function* chunks(...lengths: readonly number[]): AsyncGenerator<Buffer, void> {
    for (const [index, length] of lengths.entries()) yield Buffer.alloc(length, index + 1);
  }

  it("have one size but the last, whatever comes in", async () => {
    const lengths = [1, blockBytes - 1, 2 * blockBytes + 5, 0, 7];
    const blocks = await Array.fromAsync(intoBlocks(chunks(...lengths)));
    expect(blocks.map(({ offset, bytes }) => [offset, bytes.length])).toEqual([
      ...[0, 1, 2].map((index) => [index * blockBytes, blockBytes]),
      [3 * blockBytes, 12],
    ]);
    const joined = Buffer.concat(blocks.map(({ bytes }) => bytes));
    expect(joined.equals(Buffer.concat(await Array.fromAsync(chunks(...lengths))))).toBe(true);
  });

  it("are fetched one ahead, in order, with an error at its turn and an end when nobody wants more", async () => {
    const log: string[] = [];
    async function* items(): AsyncGenerator<number, void> {
      try {
        for (let item = 0; item < 3; item++) {
          log.push(`makes ${item}`);
          yield item;
        }
        throw new Error("no more");
      } finally {
        log.push("ended");
      }
    }
    const all = async (most: number): Promise<void> => {
      for await (const item of ahead(items())) {
        log.push(`takes ${item}`);
        if (item === most) return;
      }
    };
    await expect(all(9)).rejects.toThrow("no more");
    expect(log).toEqual(["makes 0", "makes 1", "takes 0", "makes 2", "takes 1", "ended", "takes 2"]);
    log.length = 0;
    await all(0);
    expect(log).toEqual(["makes 0", "makes 1", "takes 0", "ended"]);
  });
});
