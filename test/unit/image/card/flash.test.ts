import { createHash, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Fault } from "../../../../src/domain/fault.ts";
import { flash } from "../../../../image/card/flash.ts";
import type { Outcome } from "../../../../image/card/flash.ts";
import type { Image } from "../../../../image/card/image-file.ts";
import type { Medium } from "../../../../image/card/medium.ts";
import { fakeMedium, imageOf } from "../../../helpers/fake-medium.ts";
import type { CardFault } from "../../../helpers/fake-medium.ts";

const mebibyte = 1 << 20;
/** Two systems that are the same, an empty place, and something else: as images are. */
const system = randomBytes(6 * mebibyte);
const content = Buffer.concat([
  randomBytes(2 * mebibyte),
  system,
  system,
  Buffer.alloc(3 * mebibyte),
  randomBytes(4 * mebibyte + 512),
]);
const image = imageOf(content);
const cardBytes = 64 * mebibyte;

async function flashed(medium: Medium, what: Image = image): Promise<Outcome> {
  const startMeter = () => ({ onBytes: () => {}, end: () => 20e6 });
  return await flash(medium, what, new AbortController().signal, startMeter);
}

const verdictFor = async (fault?: CardFault) => (await flashed(fakeMedium(cardBytes, fault))).verdict;
const somewhere = fc.integer({ min: 0, max: content.length / 512 - 1 }).map((sector) => sector * 512);
/** Each writes and reads tens of megabytes. */
const few = { numRuns: 5 };
const patient = { timeout: 30_000 };

describe("a card that keeps everything", () => {
  it("is proven, and holds the image", async () => {
    const card = fakeMedium(cardBytes);
    expect(await flashed(card)).toEqual({ verdict: { kind: "proven" }, writeRate: 20e6, readRate: 20e6 });
    expect(card.content.subarray(0, content.length).equals(content)).toBe(true);
  });

  it("is proven when the image fills it to the last block", async () => {
    expect((await flashed(fakeMedium(content.length))).verdict).toEqual({ kind: "proven" });
  });
});

describe("a card with less than it says", () => {
  it("is called a fake, with its size, where addresses begin anew inside the image", patient, () =>
    fc.assert(
      fc.asyncProperty(fc.integer({ min: 6 * 2048, max: content.length / 512 - 2 }), async (sectors) => {
        const verdict = await verdictFor({ kind: "wraps", size: sectors * 512 });
        expect(verdict).toEqual({ kind: "fake-capacity", claimedBytes: cardBytes, realBytes: sectors * 512 });
      }),
      few,
    ),
  );

  it("is called a fake where what lies beyond its end is forgotten", patient, () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 9 * 2048 }),
        fc.constantFrom(0, 0xff),
        async (sectors, fill) => {
          const size = sectors * 512;
          const verdict = await verdictFor({ kind: "forgets", size, fill });
          expect(verdict).toEqual({ kind: "fake-capacity", claimedBytes: cardBytes, realBytes: size });
        },
      ),
      few,
    ),
  );

  it.each([32, 33])(
    "is called a fake where it goes wrong far behind the image: %i MiB",
    async (mebibytes) => {
      const size = mebibytes * mebibyte;
      for (const fault of [{ kind: "wraps", size } as const, { kind: "forgets", size, fill: 0 } as const]) {
        const verdict = await verdictFor(fault);
        expect(verdict).toMatchObject({ kind: "fake-capacity", claimedBytes: cardBytes });
        const { realBytes } = verdict as { readonly realBytes: number };
        expect(Math.abs(realBytes - size)).toBeLessThan(2 * mebibyte);
      }
    },
  );
});

describe("a card or reader that is broken", () => {
  it("is the card's fault when one bit stays wrong", patient, () =>
    fc.assert(
      fc.asyncProperty(somewhere, async (offset) => {
        expect(await verdictFor({ kind: "stuck", offset })).toEqual({ kind: "worn", offset, places: 1 });
      }),
      few,
    ),
  );

  it("is the reader's fault when a place reads differently each time", patient, () =>
    fc.assert(
      fc.asyncProperty(somewhere, async (offset) => {
        expect(await verdictFor({ kind: "flickers", offset })).toEqual({ kind: "reads-differ", offset });
      }),
      few,
    ),
  );

  it("is unstable when a write is lost and the next one is not", async () => {
    const offset = 5 * mebibyte + 1024;
    expect(await verdictFor({ kind: "loses", offset })).toEqual({ kind: "write-lost", offset, places: 1 });
  });

  it("is not called a fake when what it kept is of an older image, which has the same in other places", async () => {
    const offset = 5 * mebibyte;
    const card = fakeMedium(cardBytes, { kind: "loses", offset });
    content.copy(card.content, 0, mebibyte);
    expect((await flashed(card)).verdict).toEqual({ kind: "write-lost", offset, places: 1 });
  });

  it("is not called a fake for one bad place behind the image", async () => {
    const marked = fakeMedium(cardBytes);
    await flashed(marked);
    const offset = marked.content.lastIndexOf(Buffer.alloc(8, 0x5a), cardBytes / 2) + 8;
    expect(offset % 4096).toBe(0);
    expect(await verdictFor({ kind: "stuck", offset })).toEqual({ kind: "worn", offset, places: 1 });
  });

  it.each(["write", "flush", "read"] as const)("tells where and how a %s fails", async (operation) => {
    const offset = operation === "flush" ? 0 : 9 * mebibyte + 65_536;
    for (const code of ["EIO", "ENODEV"]) {
      const verdict = await verdictFor({ kind: "fails", operation, offset, code });
      const kind = operation === "read" ? "read-failed" : "write-failed";
      const failure = { kind: "failed", operation, offset, code, isGone: code === "ENODEV" };
      expect(verdict).toEqual({ kind, failure });
    }
  });
});

describe("what is not the card's", () => {
  it("is not blamed on it: the image file changes meanwhile", async () => {
    const changing: Image = {
      ...image,
      async *blocks() {
        yield* image.blocks();
        throw new Fault("malformed", "it gave other bytes");
      },
    };
    const { verdict } = await flashed(fakeMedium(cardBytes), changing);
    expect(verdict).toEqual({ kind: "image-changed", text: "it gave other bytes" });
  });

  it("ends it when somebody stops it", async () => {
    const controller = new AbortController();
    const startMeter = () => ({ onBytes: () => controller.abort(), end: () => 0 });
    const card = fakeMedium(cardBytes);
    await expect(flash(card, image, controller.signal, startMeter)).rejects.toThrow(/abort/);
    const hash = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
    expect(hash(card.content.subarray(0, content.length))).not.toBe(hash(content));
  });
});
