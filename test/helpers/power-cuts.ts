import { execFile } from "node:child_process";
import { open, rm } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { promisify } from "node:util";
import { seededRandom } from "../../src/simulator/robot/network.ts";
import { diskSector, readWritten } from "./write-log.ts";
import type { Entry, Write, WriteLog } from "./write-log.ts";

export interface PowerCutOptions {
  readonly log: WriteLog;
  /**
   * The disk as it was before the first entry of the log; it is written to, and has at the end what surely was on the
   * platters at the last cut. Beside it a copy of each cut is made.
   */
  readonly disk: string;
  /** After how many entries of the log the power goes, in any order. */
  readonly cuts: readonly number[];
  /** Whoever uses the same number gets the same disks. */
  readonly seed: number;
  /** A drive that lies: its last so many flushes before the cut did nothing. 0 where absent. */
  readonly forgottenFlushes?: number;
}

/** A disk after the power went. */
export interface PowerCut {
  /** After so many entries of the log. */
  readonly after: number;
  /** A disk image; gone with the next one. May be written to. */
  readonly disk: string;
  /** Of the writes that were not surely on the platters: how many were there whole, in part, and not at all. */
  readonly kept: number;
  readonly torn: number;
  readonly lost: number;
}

const chanceKept = 0.5;
const chanceTorn = 0.2;

/**
 * Rebuilds a disk as a power cut may have left it, for one cut after the other, earliest first. All that was written
 * before the last flush is there. Each write after it is there or not, whatever its order; of those that are there some
 * are torn: only their first or their last sectors are there. What was forced is there. A discard changes nothing.
 */
export async function* cutPower(options: PowerCutOptions): AsyncGenerator<PowerCut> {
  const { log, disk, seed, forgottenFlushes = 0 } = options;
  await using source = await open(log.path);
  await using platters = await open(disk, "r+");
  const copy = `${disk}.cut`;
  const barriers = log.entries.flatMap((entry, index) => (isBarrier(entry) ? [index] : []));
  let done = 0;
  try {
    for (const after of options.cuts.toSorted((a, b) => a - b)) {
      const before = barriers.filter((index) => index < after);
      const sure = before[before.length - 1 - forgottenFlushes] ?? 0;
      for (; done < sure; done += 1) {
        const entry = log.entries[done];
        if (entry?.kind === "write") await apply(source, platters, entry);
      }
      await promisify(execFile)("cp", ["--reflink=auto", "--sparse=always", disk, copy]);
      await using target = await open(copy, "r+");
      const chance = seededRandom(seed + after);
      const fates = { kept: 0, torn: 0, lost: 0 };
      for (const entry of log.entries.slice(sure, after)) {
        if (entry.kind !== "write") continue;
        const fate = entry.isForced && forgottenFlushes === 0 ? wholly(entry) : fateOf(entry, chance);
        fates[fate.what] += 1;
        await apply(source, target, entry, fate);
      }
      yield { after, disk: copy, ...fates };
    }
  } finally {
    await rm(copy, { force: true });
  }
}

/** Chooses where the power goes: so many places in the log, each after at least `from` entries. */
export function chooseCuts({ entries }: WriteLog, count: number, seed: number, from = 1): readonly number[] {
  const room = entries.length - from + 1;
  if (room < count) throw new Error(`expected ${count} places to cut in the log, got ${room}`);
  const chance = seededRandom(seed);
  const cuts = new Set<number>();
  while (cuts.size < count) cuts.add(from + Math.floor(chance() * room));
  return [...cuts];
}

const isBarrier = (entry: Entry): boolean =>
  entry.kind === "flush" || (entry.kind === "write" && entry.flushesBefore);

interface Fate {
  readonly what: "kept" | "torn" | "lost";
  /** The sectors of the write that are there: from, and up to. */
  readonly from: number;
  readonly to: number;
}

const wholly = ({ length }: Write): Fate => ({ what: "kept", from: 0, to: length / diskSector });

function fateOf(write: Write, chance: () => number): Fate {
  const sectors = write.length / diskSector;
  // The same number of draws for each: what comes after it does not depend on its size.
  const [isKept, isTorn, place, isHead] = [
    chance() < chanceKept,
    chance() < chanceTorn,
    chance(),
    chance() < 0.5,
  ];
  if (!isKept) return { what: "lost", from: 0, to: 0 };
  if (!isTorn || sectors < 2) return wholly(write);
  const edge = 1 + Math.floor(place * (sectors - 1));
  return isHead ? { what: "torn", from: 0, to: edge } : { what: "torn", from: edge, to: sectors };
}

async function apply(
  source: FileHandle,
  target: FileHandle,
  write: Write,
  fate = wholly(write),
): Promise<void> {
  if (fate.what === "lost") return;
  const bytes = (await readWritten(source, write)).subarray(fate.from * diskSector, fate.to * diskSector);
  await target.write(bytes, 0, bytes.length, write.at + fate.from * diskSector);
}
