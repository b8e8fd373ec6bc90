import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { buildLimitMs, builtImage, unpackImage } from "../helpers/built-image.ts";
import {
  checkExt4,
  checkFat,
  copyPartition,
  findPartition,
  readBootFile,
  readExt4File,
  readStart,
  writeBootFile,
} from "../helpers/disk-image.ts";
import { startGuest, whyNoGuest } from "../helpers/guest.ts";
import { chooseCuts, cutPower } from "../helpers/power-cuts.ts";
import { readWriteLog, writesTo } from "../helpers/write-log.ts";
import type { WriteLog } from "../helpers/write-log.ts";

const run = promisify(execFile);
const why = whyNoGuest("arm64");
if (why !== undefined) console.log(`The image's power is not cut: ${why}`);

const limitMs = 900_000;
const streamKey = "live_0123456789_keep_me_secret";
const [firstRecord, lastRecord, adoptions] = [100, 219, 3];

const bootFile = `spot:
  host: 192.168.50.3
  username: stream
  password: the robot's password
  tls: { insecure: true }
  cameraTls: { insecure: true }
outputs:
  - name: main
    url: rtmp://ingest.example/app
    streamKey: ${streamKey}
device:
  hostname: robot-0
  uplinks: [eth1]
# the last line
`;

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
  let log: WriteLog;
  let from: number;

  beforeAll(async () => {
    const image = await builtImage("generic-arm64");
    folder = await mkdtemp(join(tmpdir(), "power-cut-"));
    const disk = join(folder, "disk.img");
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
    await rm(disk);
  }, buildLimitMs);
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  const numberAt = (sectors: Buffer, index: number): number =>
    Number(sectors.toString("latin1", index * 512, index * 512 + 4)) || 0;

  /** What is not as it was promised, on one disk. */
  async function judgeDisk(disk: string): Promise<readonly string[]> {
    const complaints: string[] = [];
    const [boot, data] = [join(folder, "boot.cut"), join(folder, "data.cut")];
    await copyPartition(disk, "boot", boot);
    await copyPartition(disk, "data", data);
    for (const [name, check, file] of [
      ["data", checkExt4, data],
      ["boot", checkFat, boot],
    ] as const) {
      const mended = await check(file, "mend");
      if (mended.status > 1) complaints.push(`${name} cannot be mended: ${mended.text}`);
      const clean = await check(file, "look");
      if (clean.status !== 0) complaints.push(`${name} is not clean: ${clean.text}`);
    }
    const sectors = await readStart(disk, "root-b", 1024);
    const [record, adopted] = [numberAt(sectors, 0), numberAt(sectors, 1)];
    const records = (await readExt4File(data, "/records")) ?? "";
    for (let number = firstRecord; number <= record; number += 1)
      if (!records.includes(`record ${number} is whole\n`)) complaints.push(`record ${number} is not whole`);
    const token = await readExt4File(data, "/token");
    if (record > firstRecord && !/^token \d{3}\n$/.test(token ?? ""))
      complaints.push(`the token is ${JSON.stringify(token)}`);
    complaints.push(...(await judgeConfiguration(data, adopted)));
    const texts = await Promise.all(
      ["", ".new"].map((ending) => readBootFile(disk, `spotlive.yaml${ending}`)),
    );
    if (!texts.some((text) => text?.endsWith("# the last line\n") === true))
      complaints.push("there is no whole boot file");
    return complaints;
  }

  /** All of one generation is in force, and it is no older than the last that was acknowledged. */
  async function judgeConfiguration(data: string, adopted: number): Promise<readonly string[]> {
    const read = (path: string): Promise<string | undefined> =>
      readExt4File(data, `/spotlive/current/${path}`);
    const hostname = /^robot-(\d+)\n$/.exec((await read("system/hostname")) ?? "")?.[1];
    const config: unknown = parse((await read("spotlive.yaml")) ?? "");
    const key = await read("secrets/outputs.main.streamKey");
    return [
      ...(hostname === undefined || Number(hostname) < adopted
        ? [`expected the boot file ${adopted} or a later one in force, got ${hostname ?? "none"}`]
        : []),
      ...(typeof config === "object" && config !== null && "outputs" in config
        ? []
        : ["the configuration is not whole"]),
      ...(key === `${streamKey}\n` ? [] : [`the stream key is not whole: ${key?.length ?? "no"} bytes`]),
    ];
  }

  async function judge(count: number, forgottenFlushes: number): Promise<readonly string[]> {
    const disk = join(folder, "cut.img");
    await run("cp", ["--sparse=always", before, disk]);
    const cuts = chooseCuts(log, count, 20, from);
    const found: string[] = [];
    for await (const cut of cutPower({ log, disk, cuts, seed: 4, forgottenFlushes })) {
      // What cannot even be read is not whole either.
      const complaints = await judgeDisk(cut.disk).catch((error: unknown) => [String(error)]);
      for (const complaint of complaints) found.push(`after ${cut.after}: ${complaint}`);
    }
    await rm(disk);
    return found;
  }

  it("never writes to the slot that it runs from", async () => {
    expect(writesTo(log, await findPartition(before, "root-a"))).toEqual({ writes: 0, bytes: 0 });
  });

  it("has its configuration, its tokens and every record that it acknowledged, at 60 moments", async () => {
    const flushes = log.entries.filter(({ kind }) => kind === "flush").length;
    console.log(`${log.entries.length - from} entries after the first adoption, ${flushes} flushes in all`);
    expect(await judge(60, 0)).toEqual([]);
  });

  it("would be found out if the drive lied about its last flushes", async () => {
    expect((await judge(20, 6)).join("\n")).toMatch(/record \d+ is not whole|or a later one in force/);
  });
});
