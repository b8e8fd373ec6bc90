import { execFile } from "node:child_process";
import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildLimitMs, builtImage, unpackImage } from "../helpers/built-image.ts";
import { bootFile, judgeConfiguration, judgeFirstAdoption, mendFileSystems } from "../helpers/cut-device.ts";
import {
  clonePartition,
  findPartition,
  readExt4File,
  readStart,
  writeBootFile,
} from "../helpers/disk-image.ts";
import { startGuest, whyNoGuest } from "../helpers/guest.ts";
import { chooseCuts, cutPower } from "../helpers/power-cuts.ts";
import type { PowerCutOptions } from "../helpers/power-cuts.ts";
import { readWriteLog, writesTo } from "../helpers/write-log.ts";
import type { WriteLog } from "../helpers/write-log.ts";

const run = promisify(execFile);
const why = whyNoGuest("arm64");
if (why !== undefined) console.log(`The image's power is not cut: ${why}`);

const limitMs = 900_000;
const [firstRecord, lastRecord, adoptions] = [100, 219, 3];

/**
 * Runs in the device beside everything that is its own: records are written as the product writes (append and flush; a new
 * file, flushed and renamed), and a person edits the boot file again and again. What is promised is acknowledged past
 * every cache in the empty slot: the last record in its first sector, the last boot file that was taken over in its second.
 */
const probe = `#!/bin/sh
ack() { printf '%-512s' "$2" | dd of=/dev/disk/by-partlabel/root-b bs=512 seek="$1" oflag=direct conv=notrunc 2>/dev/null; }
until [ -e /run/spotlive-boot/adoption.json ]; do sleep 1; done
echo "probe: begins" >/dev/console
records() {
  for n in $(seq ${firstRecord} ${lastRecord}); do
    echo "record $n is whole" >>/data/records && sync /data/records && ack 0 "$n"
    echo "token $n" >/data/token.new && sync /data/token.new && mv /data/token.new /data/token && sync -f /data
  done
}
edit() {
  mount --options-source=disable -o remount,rw,sync /boot/firmware
  sed "s/robot-[0-9]*/robot-$1/" /boot/firmware/spotlive.yaml >/boot/firmware/spotlive.yaml.new
  sync /boot/firmware/spotlive.yaml.new
  mv /boot/firmware/spotlive.yaml.new /boot/firmware/spotlive.yaml
  sync -f /boot/firmware
  mount --options-source=disable -o remount,ro /boot/firmware
}
records &
for n in $(seq 1 ${adoptions}); do
  (flock 9; edit "$n") 9>>/run/spotlive-boot/lock
  systemctl restart spotlive-adopt.service && ack 1 "$n"
done
wait
echo "probe: written" >/dev/console
`;

const credentials = {
  "systemd.extra-unit.probe.service":
    "[Service]\nLoadCredential=probe.sh\nExecStart=/bin/sh ${CREDENTIALS_DIRECTORY}/probe.sh\n",
  "systemd.unit-dropin.multi-user.target": "[Unit]\nWants=probe.service\n",
  "probe.sh": probe,
};

/** How many entries a log has that is being written: the number in its head may be ahead of what is there. */
async function countEntries(path: string, limit: AbortSignal): Promise<number> {
  for (;;) {
    const entries = await readWriteLog(path).then(
      (log) => log.entries.length,
      () => undefined,
    );
    if (entries !== undefined) return entries;
    await sleep(100, undefined, { signal: limit });
  }
}

describe.skipIf(why !== undefined)("a device whose power is cut", { timeout: limitMs }, () => {
  let folder: string;
  let before: string;
  let disk: string;
  let log: WriteLog;
  /** Entries of the log when the first boot file had been taken over. */
  let from: number;

  beforeAll(async () => {
    const image = await builtImage("generic-arm64");
    folder = await mkdtemp(join(tmpdir(), "power-cut-"));
    disk = join(folder, "disk.img");
    before = join(folder, "before.img");
    await unpackImage(image, disk);
    await writeBootFile(disk, "spotlive.yaml", bootFile);
    await run("cp", ["--sparse=always", disk, before]);
    // The slot in use is never written to, which is judged below: copies of the disk need not hold it.
    const slot = await findPartition(before, "root-a");
    await run("fallocate", ["--punch-hole", `--offset=${slot.offset}`, `--length=${slot.bytes}`, before]);
    const writeLog = join(folder, "writes");
    const limit = AbortSignal.timeout(limitMs);
    await using guest = await startGuest({ architecture: "arm64", disk, writeLog, credentials }, limit);
    await guest.serial.until(/probe: begins/, limit);
    from = await countEntries(writeLog, limit);
    await guest.serial.until(/probe: written/, limit);
    await guest.cutPower();
    log = await readWriteLog(writeLog);
  }, buildLimitMs);
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  const numberAt = (sectors: Buffer, index: number): number =>
    Number(sectors.toString("latin1", index * 512, index * 512 + 4)) || 0;

  /** What is not as it was promised, on one disk. */
  async function judgeDisk(disk: string): Promise<readonly string[]> {
    const { data, complaints } = await mendFileSystems(disk, folder);
    const found = [...complaints];
    const sectors = await readStart(disk, "root-b", 1024);
    const [record, adopted] = [numberAt(sectors, 0), numberAt(sectors, 1)];
    const records = (await readExt4File(data, "/records")) ?? "";
    for (let number = firstRecord; number <= record; number += 1)
      if (!records.includes(`record ${number} is whole\n`)) found.push(`record ${number} is not whole`);
    const token = await readExt4File(data, "/token");
    if (record > firstRecord && !/^token \d{3}\n$/.test(token ?? ""))
      found.push(`the token is ${JSON.stringify(token)}`);
    return [...found, ...(await judgeConfiguration(data, adopted))];
  }

  /** Each moment from the first write to the boot partition, whence the secrets go, to the end of the first adoption. */
  async function momentsOfMoving(): Promise<readonly [first: number, ...others: number[]]> {
    const { offset, bytes } = await findPartition(before, "boot");
    const first = log.entries.findIndex((entry) => entry.kind === "write" && entry.at < offset + bytes);
    return [first, ...Array.from({ length: from - first }, (_, index) => first + 1 + index)];
  }

  /** Cuts the power at these places, and gives what is said of the disks that it leaves. */
  async function judgeCuts(
    options: Pick<PowerCutOptions, "cuts" | "seed" | "forgottenFlushes">,
    judgeOne: (disk: string) => Promise<readonly string[]>,
  ): Promise<readonly string[]> {
    const scratch = join(folder, "cut.img");
    await run("cp", ["--sparse=always", before, scratch]);
    const found: string[] = [];
    for await (const cut of cutPower({ log, disk: scratch, ...options })) {
      // What cannot even be read is not whole either.
      const complaints = await judgeOne(cut.disk).catch((error: unknown) => [String(error)]);
      for (const complaint of complaints) found.push(`after ${cut.after}: ${complaint}`);
    }
    await rm(scratch);
    return found;
  }

  it("never writes to the slot that it runs from", async () => {
    expect(writesTo(log, await findPartition(before, "root-a"))).toEqual({ writes: 0, bytes: 0 });
  });

  it("has its configuration, its tokens and every record that it acknowledged, at 60 moments", async () => {
    const flushes = log.entries.filter(({ kind }) => kind === "flush").length;
    console.log(`${log.entries.length - from} entries after the first adoption, ${flushes} flushes in all`);
    expect(await judgeCuts({ cuts: chooseCuts(log, 60, 20, from), seed: 4 }, judgeDisk)).toEqual([]);
  });

  it("has the secrets whole on one partition or the other while it takes its first boot file over, and goes on", async () => {
    const moving = await momentsOfMoving();
    const earlier = { ...log, entries: log.entries.slice(0, moving[0] - 1) };
    const cuts = [...chooseCuts(earlier, 20, 21), ...moving];
    const again = join(folder, "again.img");
    const places: string[] = [];
    const complaints = await judgeCuts({ cuts, seed: 5 }, async (disk) => {
      const candidate = `${disk}.candidate`;
      await run("cp", ["--sparse=always", disk, candidate]);
      const { place, complaints } = await judgeFirstAdoption(await mendFileSystems(disk, folder), folder);
      // In the end it is the one just before the secrets are taken away.
      if (place !== "data") await rename(candidate, again);
      places.push(place);
      return complaints;
    });
    console.log(`${from} entries up to the first adoption; the secrets were on ${places.join(", ")}`);
    expect(complaints).toEqual([]);
    expect(new Set(places)).toEqual(new Set(["boot", "both", "data"]));

    await clonePartition(disk, "root-a", again);
    const limit = AbortSignal.timeout(limitMs);
    await using guest = await startGuest({ architecture: "arm64", disk: again }, limit);
    await guest.serial.until(/boot mark adopted/, limit);
    await guest.cutPower();
    const { place, ...next } = await judgeFirstAdoption(await mendFileSystems(again, folder), folder);
    expect([place, next.complaints]).toEqual(["data", []]);
  });

  it("would be found out if the drive lied about its last flushes", async () => {
    const lie = { seed: 4, forgottenFlushes: 6 };
    const lies = await judgeCuts({ cuts: chooseCuts(log, 20, 20, from), ...lie }, judgeDisk);
    expect(lies.join("\n")).toMatch(/record \d+ is not whole|or a later one in force/);
    const first = await judgeCuts({ cuts: await momentsOfMoving(), ...lie }, async (disk) => {
      const { complaints } = await judgeFirstAdoption(await mendFileSystems(disk, folder), folder);
      return complaints;
    });
    expect(first.join("\n")).toContain("the secrets are whole on neither partition");
  });
});
