import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdtemp, open, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeDisk } from "../../image/card/disks.ts";
import { openDisk as openMedium } from "../../image/card/open-medium.ts";
import { openRoot } from "../../src/boards/root.ts";
import { systemProgram } from "../../src/simulator/namespace.ts";
import {
  addPartition,
  mountDevice,
  openFaultyCard,
  openFaultyDisk,
  openLoop,
  openZram,
  whyNoBlockDevices,
  whyNoZram,
} from "../helpers/block-devices.ts";
import type { AtPath, RealFault } from "../helpers/block-devices.ts";
import { makeCardImage } from "../helpers/card-image.ts";
import type { CardImage } from "../helpers/card-image.ts";

const run = promisify(execFile);
const program = fileURLToPath(new URL("../../image/flash", import.meta.url));
const mebibyte = 1 << 20;
const cardBytes = 136 * mebibyte;

const noDevices = await whyNoBlockDevices();
const noZram = noDevices ?? (await whyNoZram());
for (const why of new Set([noDevices, noZram]))
  if (why !== undefined) console.warn(`flash is not tested with all block devices. ${why}`);

let folder: string;
let image: CardImage;
/** An image that is written to a slow card in a few seconds. */
let small: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flash-"));
  image = await makeCardImage(folder);
  small = join(folder, "small.img");
  await writeFile(small, randomBytes(12 * mebibyte));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

interface Answer {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** Runs the program where nobody can be asked. */
async function flashCard(...argv: readonly string[]): Promise<Answer> {
  const running = run(program, argv);
  running.child.stdin?.end();
  return await running.then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, error: stderr }),
    ({ code, stdout, stderr }) => ({ code, out: stdout, error: stderr }),
  );
}

/** Writes to a disk that is no card's, and gives the exit status and the verdict. */
async function verdictOf({ path }: AtPath, ...argv: readonly string[]): Promise<object> {
  const options = ["--json", "--yes", "--yes-this-disk", basename(path)];
  const { code, out, error } = await flashCard(image.packed, path, ...options, ...argv);
  expect(error).toBe("");
  return { code, ...(JSON.parse(out.trim().split("\n").at(-1) ?? "") as object) };
}

/** An ordinary disk of so many bytes, and its file. */
async function openDisk(bytes = cardBytes): Promise<AtPath & { readonly file: string }> {
  const file = join(folder, `disk-${Math.random()}`);
  await writeFile(file, "");
  await truncate(file, bytes);
  const loop = await openLoop(file);
  return {
    ...{ path: loop.path, file },
    async [Symbol.asyncDispose]() {
      await loop[Symbol.asyncDispose]();
      await rm(file);
    },
  };
}

async function isBlank(file: string): Promise<boolean> {
  const content = await readFile(file);
  return content.equals(Buffer.alloc(content.length));
}

async function bytesOf(path: string, offset: number, length: number): Promise<Buffer> {
  await using file = await open(path);
  return (await file.read(Buffer.alloc(length), 0, length, offset)).buffer;
}

describe.skipIf(noDevices !== undefined)("a card that is well", () => {
  it("holds the image afterwards, and that is said", async () => {
    await using disk = await openDisk();
    expect(await verdictOf(disk)).toMatchObject({
      code: 0,
      ok: true,
      kind: "proven",
      suspects: [],
      warnings: [],
    });
    expect((await bytesOf(disk.path, 0, image.content.length)).equals(image.content)).toBe(true);
  });

  it.skipIf(noZram !== undefined)("may be any block device, with blocks of 4096 bytes too", async () => {
    await using disk = await openZram(cardBytes);
    expect(await readFile(`/sys/block/${basename(disk.path)}/queue/logical_block_size`, "utf8")).toBe(
      "4096\n",
    );
    expect(await verdictOf(disk)).toMatchObject({ code: 0, kind: "proven" });
    expect((await bytesOf(disk.path, 0, image.content.length)).equals(image.content)).toBe(true);
  });

  it("is told to be slow when it is", async () => {
    await using disk = await openFaultyDisk(64 * mebibyte, { kind: "slow", bytesPerSecond: 4e6 });
    const options = ["--yes", "--yes-this-disk", basename(disk.path)];
    const { code, out } = await flashCard(small, disk.path, ...options);
    expect(code).toBe(0);
    expect(out).toMatch(/they are right\.\nThe card is slow: it was written at [1-3]\.\d MB\/s\. /);
  });

  it("is written for people in lines of plain words", async () => {
    await using disk = await openDisk();
    const options = ["--yes", "--yes-this-disk", basename(disk.path)];
    const { out, error } = await flashCard(image.packed, disk.path, ...options);
    expect(error).toMatch(
      /^checking: .*\nwriting: 67.1 MB done, .* MB\/s\nreading back: 67.1 MB done, .* MB\/s\n$/,
    );
    expect(out).toMatch(/^All 67108864 bytes were written to .* they are right\.\nTake it out, /);
  });
});

const faults: readonly (readonly [sentence: string, fault: RealFault, verdict: object])[] = [
  [
    "that has less than it says, where addresses begin anew inside the image",
    { kind: "wraps", size: 48 * mebibyte + 512 },
    { kind: "fake-capacity", claimedBytes: cardBytes, realBytes: 48 * mebibyte + 512, suspects: ["card"] },
  ],
  [
    "that has less than it says, where addresses begin anew behind the image",
    { kind: "wraps", size: 128 * mebibyte },
    { kind: "fake-capacity", claimedBytes: cardBytes, realBytes: 128 * mebibyte },
  ],
  [
    "that forgets what is written beyond its real end",
    { kind: "forgets", size: 46 * mebibyte + 1024, fill: 0 },
    { kind: "fake-capacity", realBytes: 46 * mebibyte + 1024 },
  ],
  [
    "with a bit that stays wrong",
    { kind: "stuck", offset: 47 * mebibyte + 5 },
    { kind: "worn", offset: 47 * mebibyte, suspects: ["card"] },
  ],
  [
    "in a reader that gives other bytes each time",
    { kind: "flickers", offset: 47 * mebibyte + 5 },
    { kind: "reads-differ", offset: 47 * mebibyte, suspects: ["reader", "power"] },
  ],
  [
    "that loses a write and takes the next",
    { kind: "loses", offset: 47 * mebibyte },
    { kind: "write-lost", offset: 47 * mebibyte, suspects: ["reader", "card", "power"] },
  ],
  [
    "that cannot be read in one place",
    { kind: "fails", operation: "read", offset: 47 * mebibyte, code: "EIO" },
    { kind: "read-failed", failure: { operation: "read", offset: 47 * mebibyte, code: "EIO" } },
  ],
  [
    "that cannot be written in one place",
    { kind: "fails", operation: "write", offset: 48 * mebibyte, code: "EIO" },
    { kind: "write-failed", failure: { operation: "write", offset: 48 * mebibyte, code: "EIO" } },
  ],
  [
    "that has no room where it should",
    { kind: "fails", operation: "write", offset: 48 * mebibyte, code: "ENOSPC" },
    { kind: "write-failed", failure: { operation: "write", offset: 48 * mebibyte, code: "ENOSPC" } },
  ],
  [
    "that does not bring the writing to its end",
    { kind: "fails", operation: "flush", offset: 0, code: "EIO" },
    { kind: "write-failed", failure: { operation: "flush", code: "EIO" } },
  ],
  [
    "whose reader dies in the middle",
    { kind: "dies", offset: 48 * mebibyte },
    {
      kind: "write-failed",
      failure: { operation: "write", offset: 48 * mebibyte },
      suspects: ["reader", "power", "card"],
    },
  ],
];

describe.skipIf(noDevices !== undefined)("a card", () => {
  it.each(faults)("%s is told, and what is at fault", async (_, fault, verdict) => {
    await using disk = await openFaultyDisk(cardBytes, fault);
    expect(await verdictOf(disk)).toMatchObject({ code: 1, ok: false, ...verdict });
  });

  it.each(faults.filter(([, { kind }]) => ["forgets", "stuck", "fails"].includes(kind)))(
    "as a file, %s is told too",
    async (_, fault, verdict) => {
      await using card = await openFaultyCard(cardBytes, fault);
      expect(await verdictOf(card, "--file")).toMatchObject({ code: 1, ok: false, ...verdict });
    },
  );
});

describe("a raw file", () => {
  it("is made, of the image's size", async () => {
    const path = join(folder, "raw");
    const { code } = await flashCard(image.packed, path, "--file");
    expect(code).toBe(0);
    expect((await readFile(path)).equals(image.content)).toBe(true);
  });

  it("is not made longer, and not taken when it is too small", async () => {
    const path = join(folder, "small");
    await writeFile(path, Buffer.alloc(1024));
    const { code, error } = await flashCard(image.packed, path, "--file");
    expect(code).toBe(2);
    expect(error).toContain("is too small: it has 1024 bytes, the image 67108864.");
    expect((await readFile(path)).length).toBe(1024);
  });
});

describe.skipIf(noDevices !== undefined)("nothing is written", () => {
  /** Writes, expects to be refused, and that not a byte has changed. */
  async function expectRefused(
    disk: AtPath & { readonly file: string },
    ...argv: readonly string[]
  ): Promise<string> {
    await writeFile(disk.file, "not to be lost", { flag: "r+" });
    const { code, error } = await flashCard(image.packed, disk.path, ...argv);
    expect(code).toBe(2);
    const content = await readFile(disk.file);
    expect(content.toString("latin1", 0, 14)).toBe("not to be lost");
    expect(content.subarray(14).equals(Buffer.alloc(content.length - 14))).toBe(true);
    return error;
  }

  it("without somebody who agrees", async () => {
    await using disk = await openDisk();
    const error = await expectRefused(disk, "--yes-this-disk", basename(disk.path));
    expect(error).toContain("add --yes to write without a question.");
  });

  it("to a disk that looks like no card, unless it is named", async () => {
    await using disk = await openDisk();
    for (const options of [["--yes"], ["--yes", "--yes-this-disk", "sda"]])
      expect(await expectRefused(disk, ...options)).toContain(`add --yes-this-disk ${basename(disk.path)}.`);
  });

  it("to a disk that is too small", async () => {
    await using disk = await openDisk(63 * mebibyte);
    const error = await expectRefused(disk, "--yes", "--yes-this-disk", basename(disk.path));
    expect(error).toContain("is too small: it has 66060288 bytes (66.1 MB), the image 67108864 (67.1 MB).");
  });

  /** What is on the disk is a file system's: it is compared with itself. */
  async function expectUntouched(
    disk: AtPath & { readonly file: string },
    target = disk.path,
  ): Promise<string> {
    await run("sync", ["--file-system", disk.file]);
    const before = await readFile(disk.file);
    const { code, error } = await flashCard(
      image.packed,
      target,
      "--yes",
      "--yes-this-disk",
      basename(disk.path),
    );
    expect(code).toBe(2);
    const after = await readFile(disk.file);
    expect(after.subarray(0, 1024).equals(before.subarray(0, 1024))).toBe(true);
    expect(after.includes(image.content.subarray(512, 604))).toBe(false);
    return error;
  }

  it("to a disk that is mounted", async () => {
    await using disk = await openDisk();
    await run("mke2fs", ["-q", "-t", "ext4", disk.path]);
    await using mount = await mountDevice(disk.path);
    const name = basename(disk.path);
    expect(await expectUntouched(disk)).toContain(`is in use: ${name} is mounted at ${mount.path}.`);
  });

  it("to a disk with a partition that is mounted, nor to the partition", async () => {
    await using disk = await openDisk();
    await using partition = await addPartition(disk.path, 8192, 131_072);
    expect(await expectUntouched(disk, partition.path)).toContain(
      `is a partition. The image has partitions of its own and wants the whole disk: ${disk.path}.`,
    );
    await run("mke2fs", ["-q", "-t", "ext4", partition.path]);
    await using mount = await mountDevice(partition.path);
    const use = `${basename(partition.path)} is mounted at ${mount.path}`;
    expect(await expectUntouched(disk)).toContain(`${disk.path} is in use: ${use}.`);
  });

  it("to a disk that is mounted where this program cannot see it", async () => {
    await using disk = await openDisk();
    await run("mke2fs", ["-q", "-t", "ext4", disk.path]);
    const script = 'mount "$0" /mnt && echo ready && read -r _';
    const elsewhere = spawn(systemProgram("unshare", "util-linux"), [
      "--mount",
      "sh",
      "-c",
      script,
      disk.path,
    ]);
    try {
      await once(elsewhere.stdout, "data");
      expect(await expectUntouched(disk)).toContain("is in use: something on it is mounted or held");
    } finally {
      elsewhere.stdin.end();
      await once(elsewhere, "exit");
    }
  });

  it("to another disk that has got the name meanwhile", async () => {
    await using disk = await openDisk();
    const chosen = await describeDisk(openRoot(), basename(disk.path));
    if (chosen === undefined) throw new Error("no such disk");
    await expect(openMedium({ ...chosen, device: "8:16" })).rejects.toMatchObject({
      ...{ code: "usage", message: expect.stringContaining("exchanged for another disk") },
    });
    await using medium = await openMedium(chosen);
    expect(medium.bytes).toBe(cardBytes);
  });

  it("to what is no disk", async () => {
    const path = join(folder, "plain");
    await writeFile(path, "plain");
    for (const [target, words] of [
      [path, "is no disk. A raw file is written with --file."],
      ["/dev/null", "is no disk."],
      [join(folder, "nowhere"), "There is no such disk"],
    ] as const) {
      const { code, error } = await flashCard(image.packed, target, "--yes");
      expect({ code, error }).toEqual({ code: 2, error: expect.stringContaining(words) });
    }
    expect(await readFile(path, "utf8")).toBe("plain");
  });

  it("by somebody who may not, who is told what to type", async () => {
    await using disk = await openDisk();
    await chmod(folder, 0o755);
    const argv = [image.packed, disk.path, "--yes", "--yes-this-disk", basename(disk.path)];
    const user = { uid: 65_534, gid: 65_534 };
    const wanted = {
      code: 1,
      stderr: expect.stringMatching(/may only be written by root\.\nType: sudo .*card\/main.ts/),
    };
    await expect(run(program, argv, user)).rejects.toMatchObject(wanted);
  });

  it("when the image is damaged, which is told from the card", async () => {
    await using disk = await openDisk();
    const packed = await readFile(image.packed);
    const flipped = packed.with(9_000_000, packed.readUInt8(9_000_000) ^ 1);
    for (const [name, bytes] of [
      ["cut.img.zst", packed.subarray(0, packed.length - 5000)],
      ["flipped.img.zst", flipped],
      ["cut.img", image.content.subarray(0, 50 * mebibyte)],
    ] as const) {
      const damaged = join(folder, name);
      await writeFile(damaged, bytes);
      const options = ["--json", "--yes", "--yes-this-disk", basename(disk.path)];
      const { code, out } = await flashCard(damaged, disk.path, ...options);
      const verdict: unknown = JSON.parse(out.trim().split("\n").at(-1) ?? "");
      expect(code).toBe(1);
      expect(verdict).toMatchObject({
        ok: false,
        kind: "image-damaged",
        suspects: ["image"],
        advice: "Nothing was written.",
      });
    }
    expect(await isBlank(disk.file)).toBe(true);
  });
});

describe.skipIf(noDevices !== undefined)("a person", () => {
  /** Runs it on a terminal and types a line. */
  async function answer(disk: AtPath, line: string): Promise<Answer> {
    const command = `${program} ${image.packed} ${disk.path} --yes-this-disk ${basename(disk.path)}`;
    const child = spawn(systemProgram("script", "bsdutils"), [
      "--quiet",
      "--return",
      "--command",
      command,
      "/dev/null",
    ]);
    let out = "";
    child.stdout.on("data", (bytes: Buffer) => {
      const isAsked = out.includes("to go on:");
      out += bytes.toString();
      if (!isAsked && out.includes("to go on:")) child.stdin.write(`${line}\r`);
    });
    const [code] = (await once(child, "close")) as [number];
    return { code, out, error: "" };
  }

  it("is shown the disk and types its name", async () => {
    await using disk = await openDisk();
    const name = basename(disk.path);
    const { code, out } = await answer(disk, name);
    expect(out).toContain(`${disk.path}  143 MB  no name  (built in)\r\n`);
    expect(out).toContain(`Everything on it will be lost. Type ${name} to go on: `);
    expect(out).toMatch(/\rwriting: .* left|\rwriting: 67.1 MB done/);
    expect(out).toContain("they are right.");
    expect(code).toBe(0);
  });

  it("who types anything else has lost nothing", async () => {
    await using disk = await openDisk();
    const { code, out } = await answer(disk, "yes");
    expect(code).toBe(2);
    expect(out).toContain("Nothing was written.");
    expect(await isBlank(disk.file)).toBe(true);
  });

  it("who stops it is told that the card is of no use", async () => {
    await using disk = await openFaultyDisk(64 * mebibyte, { kind: "slow", bytesPerSecond: 4e6 });
    const options = ["--json", "--yes", "--yes-this-disk", basename(disk.path)];
    const child = spawn(program, [small, disk.path, ...options]);
    const ended = once(child, "close");
    let error = "";
    child.stderr.on("data", (bytes: Buffer) => (error += bytes.toString()));
    let isWriting = false;
    for await (const line of createInterface({ input: child.stdout })) {
      if (!isWriting && line.includes('"writing"')) child.kill("SIGTERM");
      isWriting ||= line.includes('"writing"');
    }
    expect(await ended).toEqual([1, null]);
    expect(error).toContain(
      "Stopped. If the writing had begun, the card is of no use until it is written anew.\n",
    );
  });
});

describe("without a disk", () => {
  it("the disks are listed, and the one of the system is none of them", async () => {
    const { code, out, error } = await flashCard(image.packed);
    expect(code).toBe(2);
    expect(out).toMatch(/^(Disks that look like cards|No disk here looks like a card)/);
    expect(error).toContain("Expected an image and a disk, got no disk.");
    const { stdout } = await run("findmnt", ["--noheadings", "--output", "SOURCE", "/"]);
    if (!/^\/dev\/[a-z]+\s*$/.test(stdout)) return; // a system on no plain disk
    expect(out).toContain(`${stdout.trim()} holds the system that this computer runs on`);
  });
});

describe.skipIf(noDevices !== undefined)("a boot file", () => {
  const certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  const text = [
    "spot: { username: me, password: secret-password, tls: { caFile: robot.pem } }",
    "outputs:",
    "  - { name: main, url: 'rtmp://127.0.0.1/app', streamKey: secret-key }",
    "device: { country: DE, wifi: [{ name: phone, password: secret-wifi }] }",
  ].join("\n");

  async function bootFile(content = text): Promise<string> {
    const path = join(folder, "my-robot.yaml");
    await writeFile(path, content);
    return path;
  }

  it("is on the card's boot partition afterwards, and everything else as it was", async () => {
    await using disk = await openDisk();
    await writeFile(join(folder, "robot.pem"), certificate);
    expect(await verdictOf(disk, "--config", await bootFile())).toMatchObject({ code: 0, kind: "proven" });
    const boot = `${disk.path}@@${image.bootOffset}`;
    const typed = async (name: string) => (await run("mtype", ["-i", boot, `::${name}`])).stdout;
    expect(await typed("spotlive.yaml")).toBe(text);
    expect(await typed("robot.pem")).toBe(certificate);
    const { stdout } = await run("mdir", ["-b", "-i", boot, "::/"]);
    expect(stdout.trim().split("\n").toSorted()).toEqual(["::/robot.pem", "::/spotlive.yaml", "::/vmlinuz"]);
    const [from, to] = [image.bootOffset, image.bootOffset + 38 * mebibyte];
    const card = await bytesOf(disk.path, 0, image.content.length);
    expect(card.subarray(0, from).equals(image.content.subarray(0, from))).toBe(true);
    expect(card.subarray(to).equals(image.content.subarray(to))).toBe(true);
    await run("/sbin/fsck.vfat", ["-n", await partitionFile(card.subarray(from, to))]);
  });

  it("that is wrong is told with all its mistakes, and nothing is written", async () => {
    await using disk = await openDisk();
    const config = await bootFile(`${text}\nautostart: perhaps\nnonsense: 1\n`);
    const options = ["--yes", "--yes-this-disk", basename(disk.path), "--config", config];
    const { code, error } = await flashCard(image.packed, disk.path, ...options);
    expect(code).toBe(2);
    expect(error).toMatch(/my-robot.yaml:5.*autostart/);
    expect(error).toMatch(/my-robot.yaml:6.*nonsense/);
    expect(error).not.toContain("secret-");
    expect(await isBlank(disk.file)).toBe(true);
  });

  async function partitionFile(bytes: Buffer): Promise<string> {
    const path = join(folder, "boot.fat");
    await writeFile(path, bytes);
    return path;
  }
});
