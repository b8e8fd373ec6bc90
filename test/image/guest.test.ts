import { copyFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  checkExt4,
  checkFat,
  copyPartition,
  extractExt4,
  findPartition,
  readBootFile,
  readDataFile,
  readExt4File,
  readPartitions,
  readStart,
  writeBootFile,
} from "../helpers/disk-image.ts";
import { startGuest, whyNoGuest } from "../helpers/guest.ts";
import { chooseCuts, cutPower } from "../helpers/power-cuts.ts";
import { makeTinyGuest, whyNoTinyGuest } from "../helpers/tiny-guest.ts";
import type { TinyGuest } from "../helpers/tiny-guest.ts";
import { readWriteLog, writesTo } from "../helpers/write-log.ts";
import type { WriteLog } from "../helpers/write-log.ts";

const why = whyNoGuest("amd64") ?? (await whyNoTinyGuest());
if (why !== undefined) console.log(`No guest is started: ${why}`);

/** Nothing that such a guest does takes longer, on a busy machine too. */
const limit = (): AbortSignal => AbortSignal.timeout(100_000);

describe.skipIf(why !== undefined)("a guest", () => {
  let tiny: TinyGuest;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "guest-test-"));
    tiny = await makeTinyGuest();
  });
  afterAll(async () => {
    await tiny[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  it("reads what was written into its disk before, and what it writes is there after", async () => {
    await writeBootFile(tiny.disk, "question.txt", "what is it?");
    await writeBootFile(tiny.disk, "question.txt", "who is it?");
    const script = `mount -t vfat /dev/vda1 /boot; mount -t ext4 /dev/vda4 /data
      say "asked: $(cat /boot/question.txt)"
      mkdir /data/answers; echo me >/data/answers/first; echo read >/boot/seen.txt
      umount /boot; umount /data; say finished`;
    await using guest = await startGuest(await tiny.boots(script), limit());
    const { match } = await guest.serial.until(/^asked: (.*)/, limit());
    expect(match[1]).toBe("who is it?");
    await guest.ended;
    expect(guest.serial.text).toContain("finished");
    expect(await readBootFile(tiny.disk, "seen.txt")).toBe("read\n");
    expect(await readBootFile(tiny.disk, "nothing.txt")).toBeUndefined();
    expect(await readDataFile(tiny.disk, "/answers/first")).toBe("me\n");
    expect(await readDataFile(tiny.disk, "/answers/second")).toBeUndefined();
    const tree = join(folder, "tree");
    const [boot, data] = [join(folder, "boot"), join(folder, "data")];
    await copyPartition(tiny.disk, "boot", boot);
    await copyPartition(tiny.disk, "data", data);
    await extractExt4(data, tree);
    expect(await readFile(join(tree, "answers/first"), "utf8")).toBe("me\n");
    expect(await checkExt4(data, "look")).toMatchObject({ status: 0 });
    expect(await checkFat(boot, "look")).toMatchObject({ status: 0 });
    expect((await readPartitions(tiny.disk)).map(({ name }) => name)).toEqual([
      ...["boot", "root-a", "root-b", "data"],
    ]);
  });

  it("says what it said last when it ends without the mark, or takes too long", async () => {
    await using guest = await startGuest(
      await tiny.boots("say nearly there; read line </dev/console"),
      limit(),
    );
    await guest.serial.until(/nearly/, limit());
    await expect(guest.serial.until(/never/, AbortSignal.timeout(1))).rejects.toThrow(
      /too long[^]*nearly there/,
    );
    const late = guest.serial.until(/never/, limit());
    late.catch(() => {});
    await guest.cutPower();
    await expect(late).rejects.toThrow(/ended before[^]*nearly there/);
  });

  describe("whose power is cut", () => {
    // Each record is written and flushed before its number goes, past every cache, to a partition of its own.
    const script = `mount -t ext4 -o noatime /dev/vda4 /data
      for n in $(seq 100 219); do
        echo "record $n is whole" >>/data/records; sync /data/records
        printf '%-512s' $n | dd of=/dev/vda3 bs=512 oflag=direct conv=notrunc 2>/dev/null
        echo $n >/data/state.new; sync /data/state.new; mv /data/state.new /data/state; sync -f /data
      done
      say written; while :; do sleep 1; done`;
    let log: WriteLog;
    let before: string;
    beforeAll(async () => {
      before = join(folder, "before.img");
      await copyFile(tiny.disk, before);
      const writeLog = join(folder, "writes");
      await using guest = await startGuest({ ...(await tiny.boots(script)), writeLog }, limit());
      await guest.serial.until(/^written/, limit());
      await guest.cutPower();
      log = await readWriteLog(writeLog);
    });

    /** What is not as it was promised, for each of some cuts. */
    const judge = async (count: number, forgottenFlushes: number): Promise<readonly string[]> => {
      const disk = join(folder, "cut.img");
      await copyFile(before, disk);
      const data = join(folder, "data.cut");
      const cuts = chooseCuts(log, count, 20, 20);
      const complaints: string[] = [];
      for await (const cut of cutPower({ log, disk, cuts, seed: 4, forgottenFlushes })) {
        const complain = (what: string): number => complaints.push(`after ${cut.after}: ${what}`);
        const acknowledged = Number((await readStart(cut.disk, "root-b", 3)).toString("latin1")) || 0;
        await copyPartition(cut.disk, "data", data);
        const mended = await checkExt4(data, "mend");
        if (mended.status > 1) complain(`e2fsck: ${mended.text}`);
        const clean = await checkExt4(data, "look");
        if (clean.status !== 0) complain(`e2fsck again: ${clean.text}`);
        // What cannot even be read is not whole either.
        const read = async (path: string): Promise<string> =>
          (await readExt4File(data, path).catch((error: unknown) => void complain(String(error)))) ?? "";
        const records = await read("/records");
        for (let number = 100; number <= acknowledged; number += 1)
          if (!records.includes(`record ${number} is whole\n`)) complain(`record ${number} is not whole`);
        const state = await read("/state");
        if (acknowledged > 100 && !/^\d{3}\n$/.test(state)) complain(`the state is ${JSON.stringify(state)}`);
      }
      return complaints;
    };

    it("has all that it had flushed, at whatever moment that was", async () => {
      const { entries } = log;
      console.log(
        `${entries.length} entries, ${entries.filter(({ kind }) => kind === "flush").length} flushes`,
      );
      expect(writesTo(log, await findPartition(before, "root-a"))).toEqual({ writes: 0, bytes: 0 });
      expect(await judge(60, 0)).toEqual([]);
    });

    it("has not on a drive that only says that it flushes", async () => {
      const complaints = await judge(20, 6);
      expect(complaints.filter((text) => /record \d+ is not whole/.test(text))).not.toEqual([]);
    });
  });
});
