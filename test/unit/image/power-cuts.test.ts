import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chooseCuts, cutPower } from "../../helpers/power-cuts.ts";
import { diskSector, readWriteLog, writesTo } from "../../helpers/write-log.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "power-cuts-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

type Told =
  | { readonly what: "write"; readonly sector: number; readonly sectors: number; readonly flags?: number }
  | { readonly what: "flush" }
  | { readonly what: "discard"; readonly sector: number; readonly sectors: number }
  | { readonly what: "mark" };

const diskSectors = 24;
const force = 2;

/** The log of a disk; each sector of a write holds the number of its place in the log, from 1. */
function logOf(told: readonly Told[], count = told.length): Buffer {
  const head = Buffer.alloc(diskSector);
  head.writeBigUInt64LE(0x6a736677736872n, 0);
  head.writeBigUInt64LE(1n, 8);
  head.writeBigUInt64LE(BigInt(count), 16);
  head.writeUInt32LE(diskSector, 24);
  const entries = told.flatMap((one, index) => {
    const entry = Buffer.alloc(diskSector);
    const flag = { write: 0, flush: 1, discard: 4, mark: 8 }[one.what];
    if (one.what === "write" || one.what === "discard") {
      entry.writeBigUInt64LE(BigInt(one.sector), 0);
      entry.writeBigUInt64LE(BigInt(one.sectors), 8);
    }
    entry.writeBigUInt64LE(BigInt(one.what === "write" ? (one.flags ?? 0) : flag), 16);
    return one.what === "write" ? [entry, Buffer.alloc(one.sectors * diskSector, index + 1)] : [entry];
  });
  return Buffer.concat([head, ...entries]);
}

interface Found {
  readonly after: number;
  /** For each sector of the disk the number that it holds; undefined where it holds parts of several. */
  readonly sectors: readonly (number | undefined)[];
  readonly kept: number;
  readonly torn: number;
  readonly lost: number;
}

async function cutAll(
  told: readonly Told[],
  cuts: readonly number[],
  options: { readonly seed: number; readonly forgottenFlushes?: number },
): Promise<readonly Found[]> {
  const [path, disk] = [join(folder, "log"), join(folder, "disk")];
  await writeFile(path, logOf(told));
  await writeFile(disk, Buffer.alloc(diskSectors * diskSector));
  const log = await readWriteLog(path);
  const found: Found[] = [];
  for await (const { disk: image, ...rest } of cutPower({ log, disk, cuts, ...options })) {
    const bytes = await readFile(image);
    const sectors = Array.from({ length: diskSectors }, (_, index) => {
      const sector = bytes.subarray(index * diskSector, (index + 1) * diskSector);
      return sector.every((byte) => byte === sector[0]) ? sector[0] : undefined;
    });
    found.push({ ...rest, sectors });
  }
  return found;
}

const write = fc
  .record({
    sector: fc.nat(diskSectors - 1),
    sectors: fc.integer({ min: 1, max: 6 }),
    flags: fc.constantFrom(0, 0, 0, 1, force),
  })
  .map(({ sector, sectors, flags }) => {
    const within = Math.min(sectors, diskSectors - sector);
    return { what: "write", sector, sectors: within, flags } as const;
  });
const discard = write.map(({ sector, sectors }) => ({ what: "discard", sector, sectors }) as const);
const flush = fc.constant({ what: "flush" } as const);
const anyLog = fc.array(fc.oneof({ arbitrary: write, weight: 6 }, { arbitrary: flush, weight: 2 }, discard), {
  minLength: 1,
  maxLength: 40,
});

/** What a sector holds when all of these were done, and nothing else. */
function holds(told: readonly Told[], sector: number, from = 0): number | undefined {
  const index = told.findLastIndex(
    (one, index) =>
      index >= from && one.what === "write" && sector >= one.sector && sector < one.sector + one.sectors,
  );
  return index < 0 ? undefined : index + 1;
}

const isBarrier = (one: Told): boolean =>
  one.what === "flush" || (one.what === "write" && ((one.flags ?? 0) & 1) !== 0);

describe("a power cut", () => {
  it("leaves all that was flushed, and tears what came after only at the edges of sectors", async () => {
    await fc.assert(
      fc.asyncProperty(anyLog, fc.nat(), fc.nat(), async (told, seed, place) => {
        const after = 1 + (place % told.length);
        const [cut] = await cutAll(told, [after], { seed });
        const done = told.slice(0, after);
        const sure = Math.max(0, done.findLastIndex(isBarrier));
        const before = done.slice(0, sure);
        for (let sector = 0; sector < diskSectors; sector += 1) {
          const possible = done.flatMap((one, index) =>
            index >= sure && one.what === "write" && sector >= one.sector && sector < one.sector + one.sectors
              ? [index + 1]
              : [],
          );
          const forced = possible.filter((number) => {
            const one = done[number - 1];
            return one?.what === "write" && one.flags === force;
          });
          // Nothing older than what was forced last.
          const allowed = possible.filter((number) => number >= (forced.at(-1) ?? 0));
          if (forced.length === 0) allowed.push(holds(before, sector) ?? 0);
          expect(allowed, `sector ${sector}`).toContain(cut?.sectors[sector]);
        }
        const pending = done.slice(sure).filter(({ what }) => what === "write").length;
        expect((cut?.kept ?? 0) + (cut?.torn ?? 0) + (cut?.lost ?? 0)).toBe(pending);
      }),
      { numRuns: 150 },
    );
  });

  it("is the same for the same seed, whatever other cuts are made with it", async () => {
    await fc.assert(
      fc.asyncProperty(anyLog, fc.nat(), async (told, seed) => {
        const every = told.map((_, index) => index + 1);
        const all = await cutAll(told, every.toReversed(), { seed });
        expect(all.map(({ after }) => after)).toEqual(every);
        expect(await cutAll(told, [told.length], { seed })).toEqual(all.slice(-1));
      }),
      { numRuns: 20 },
    );
  });

  it("keeps about half of what was not flushed, and tears a fifth of that", async () => {
    const told = Array.from({ length: 200 }, () => ({ what: "write", sector: 0, sectors: 6 }) as const);
    const cuts = Array.from({ length: 20 }, (_, index) => 181 + index);
    const found = await cutAll(told, cuts, { seed: 7 });
    const sum = (of: "kept" | "torn" | "lost"): number => found.reduce((sum, cut) => sum + cut[of], 0);
    const all = sum("kept") + sum("torn") + sum("lost");
    expect(sum("lost") / all).toBeCloseTo(0.5, 1);
    expect(sum("torn") / (all - sum("lost"))).toBeCloseTo(0.2, 1);
  });

  it("loses what a drive that lies had said to be safe", async () => {
    const told = Array.from({ length: 20 }, (_, index) => [
      { what: "write", sector: index, sectors: 1 } as const,
      { what: "flush" } as const,
    ]).flat();
    const [honest] = await cutAll(told, [told.length], { seed: 1 });
    expect(honest?.sectors.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, index) => index * 2 + 1));
    const [lying] = await cutAll(told, [told.length], { seed: 1, forgottenFlushes: 6 });
    expect(lying?.sectors.slice(0, 14)).toEqual(honest?.sectors.slice(0, 14));
    expect(lying?.lost).toBeGreaterThan(0);
  });

  it("is chosen anywhere in the log, each place once", async () => {
    const told = Array.from({ length: 30 }, () => ({ what: "flush" }) as const);
    const path = join(folder, "places");
    await writeFile(path, logOf(told));
    const log = await readWriteLog(path);
    const cuts = chooseCuts(log, 21, 3, 10);
    expect(cuts.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 21 }, (_, index) => index + 10));
    expect(() => chooseCuts(log, 31, 3)).toThrow("expected 31 places");
  });
});

describe("a log of writes", () => {
  const read = async (bytes: Buffer): Promise<unknown> => {
    const path = join(folder, "format");
    await writeFile(path, bytes);
    return readWriteLog(path);
  };
  const told = [
    { what: "write", sector: 3, sectors: 2 },
    { what: "mark" },
    { what: "discard", sector: 8, sectors: 4 },
    { what: "flush" },
  ] as const;

  it("tells what was written where", async () => {
    await read(logOf(told));
    const log = await readWriteLog(join(folder, "format"));
    expect(log.entries.map(({ kind }) => kind)).toEqual(["write", "discard", "flush"]);
    const range = (sector: number, sectors: number): { offset: number; bytes: number } => ({
      offset: sector * diskSector,
      bytes: sectors * diskSector,
    });
    expect(writesTo(log, range(0, 3))).toEqual({ writes: 0, bytes: 0 });
    expect(writesTo(log, range(4, 5))).toEqual({ writes: 2, bytes: 1024 });
  });

  it("is not taken when it is something else, too short or damaged", async () => {
    await expect(read(Buffer.alloc(4096))).rejects.toThrow("expected a log of writes");
    await expect(read(Buffer.alloc(3))).rejects.toThrow("expected a log of writes");
    await expect(read(logOf(told, 5))).rejects.toThrow("expected 5 entries, got 4");
    await expect(read(logOf(told).subarray(0, 1600))).rejects.toThrow("expected 4 entries, got 0");
    const damaged = logOf(told);
    damaged.writeBigUInt64LE(2n ** 62n, diskSector);
    await expect(read(damaged)).rejects.toThrow("expected 4 entries, got 0");
    const odd = logOf(told);
    odd.writeUInt32LE(500, 24);
    await expect(read(odd)).rejects.toThrow("expected sectors of 512");
  });
});
