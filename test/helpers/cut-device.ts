import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse } from "yaml";
import { adoptBootFile } from "../../src/device/adopt.ts";
import { realDisk } from "../../src/device/disk.ts";
import {
  checkExt4,
  checkFat,
  copyPartition,
  findPartition,
  extractExt4,
  readExt4File,
  readFatFile,
} from "./disk-image.ts";

const streamKey = "live_0123456789_keep_me_secret";
const password = "the robot's password";
const secrets = [streamKey, password];
const lastLine = "# the last line\n";

/** What a person writes for the device whose power is cut. */
export const bootFile = `spot:
  host: 192.168.50.3
  username: stream
  password: ${password}
  tls: { insecure: true }
  cameraTls: { insecure: true }
outputs:
  - name: main
    url: rtmp://ingest.example/app
    streamKey: ${streamKey}
device:
  hostname: robot-0
  uplinks: [eth1]
${lastLine}`;

/** The file systems of a device after its power went, mended as at the next power-on. */
export interface CutDevice {
  /** The ext4 file system of its data partition. */
  readonly data: string;
  /** The boot file, and the next one that may lie beside it. */
  readonly texts: readonly (string | undefined)[];
  /** What cannot be mended. */
  readonly complaints: readonly string[];
}

/** Does to the file systems of a disk image what is done at power-on, in copies in `folder`. */
export async function mendFileSystems(disk: string, folder: string): Promise<CutDevice> {
  const complaints: string[] = [];
  const [boot, data] = [join(folder, "boot.cut"), join(folder, "data.cut")];
  await copyPartition(disk, "boot", boot);
  await copySparse(disk, "data", data);
  for (const [name, check, file] of [
    ["data", checkExt4, data],
    ["boot", checkFat, boot],
  ] as const) {
    const mended = await check(file, "mend");
    if (mended.status > 1) complaints.push(`${name} cannot be mended: ${mended.text}`);
    const clean = await check(file, "look");
    if (clean.status !== 0) complaints.push(`${name} is not clean: ${clean.text}`);
  }
  const texts = await Promise.all(names.map((name) => readFatFile(boot, name)));
  if (!texts.some(isWhole)) complaints.push("there is no whole boot file");
  return { data, texts, complaints };
}

/** Copies a partition of a disk with little on it: its holes are not read, where the file system can cut out the rest. */
async function copySparse(disk: string, name: string, to: string): Promise<void> {
  const { offset, bytes } = await findPartition(disk, name);
  const script =
    'cp --sparse=always "$1" "$2"; truncate --size="$4" "$2"; fallocate --collapse-range --offset=0 --length="$3" "$2"';
  const argv = ["sh", disk, to, `${offset}`, `${offset + bytes}`];
  await promisify(execFile)("sh", ["-euc", script, ...argv]).catch(() => copyPartition(disk, name, to));
}

/** As the product renames one over the other. */
const names = ["spotlive.yaml", "spotlive.yaml.new"];
const isWhole = (text: string | undefined): text is string => text?.endsWith(lastLine) === true;

/** What is wrong with what is in force: it is to be all of one boot file, that with this number or a later one. */
export async function judgeConfiguration(data: string, adopted: number): Promise<readonly string[]> {
  const read = (path: string): Promise<string | undefined> => readExt4File(data, `/spotlive/current/${path}`);
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

/** On which partition the secrets are at a cut within the first adoption, and what is wrong there. */
export async function judgeFirstAdoption(
  { data, texts, complaints }: CutDevice,
  folder: string,
): Promise<{ readonly place: "boot" | "both" | "data"; readonly complaints: readonly string[] }> {
  const isOnBoot = texts.some((text) => isWhole(text) && secrets.every((secret) => text.includes(secret)));
  const isInForce = (await readExt4File(data, "/spotlive/current/spotlive.yaml")) !== undefined;
  return {
    place: isInForce ? (isOnBoot ? "both" : "data") : "boot",
    complaints: [
      ...complaints,
      ...(isInForce ? await judgeConfiguration(data, 0) : []),
      ...(isInForce || isOnBoot ? [] : ["the secrets are whole on neither partition"]),
      ...(await adoptNext(data, texts, folder)),
    ],
  };
}

/** What goes wrong with the boot file at the next power-on. */
async function adoptNext(
  data: string,
  texts: CutDevice["texts"],
  folder: string,
): Promise<readonly string[]> {
  const place = await mkdtemp(join(folder, "next-"));
  try {
    const boot = join(place, "boot");
    await mkdir(boot);
    for (const [index, text] of texts.entries())
      if (text !== undefined) await writeFile(join(boot, names[index] ?? ""), text);
    await extractExt4(data, join(place, "data"));
    const kept = join(place, "data/spotlive");
    const next = await adoptBootFile({ boot, data: kept, backend: "networkd", disk: realDisk });
    const read = async (path: string): Promise<string> => readFile(path, "utf8").catch(() => "");
    const left = await Promise.all((await readdir(boot)).map((name) => read(join(boot, name))));
    return [
      ...(next.isInForce && next.warnings.length === 0 ? [] : [`${next.text} ${next.warnings.join(" ")}`]),
      ...secrets.flatMap((secret) => (left.join().includes(secret) ? [`${secret} stays on boot`] : [])),
      ...((await read(join(kept, "current/secrets/outputs.main.streamKey"))) === `${streamKey}\n`
        ? []
        : ["the stream key is not whole after the next power-on"]),
      ...((await read(join(kept, "current/secrets/spot.password"))) === `${password}\n`
        ? []
        : ["the password is not whole after the next power-on"]),
    ];
  } finally {
    await rm(place, { recursive: true });
  }
}
