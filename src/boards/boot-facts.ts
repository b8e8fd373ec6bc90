import { readBoardFacts } from "./facts.ts";
import type { Root } from "./root.ts";
import { parseRoutes4 } from "./routes.ts";

/** One line of the boot report: what, and how it is. */
export type ReportLine = readonly [what: string, how: string];

/** What a machine tells of its board, its card, its file systems and its links. Total: what is not told is left out. */
export async function readBootFacts(root: Root): Promise<readonly ReportLine[]> {
  const [board, card, fileSystems, network] = await Promise.all([
    boardLine(root),
    cardLines(root),
    fileSystemLines(root),
    networkLines(root),
  ]);
  return [...board, ...card, ...fileSystems, ...network];
}

async function boardLine(root: Root): Promise<readonly ReportLine[]> {
  const { model, dmi, system, kernel } = await readBoardFacts(root);
  const name = model ?? [dmi["sys_vendor"], dmi["product_name"]].filter(Boolean).join(" ");
  const known = [name, system, kernel === undefined ? undefined : `Linux ${kernel}`];
  return [["Board", known.filter((text) => text !== undefined && text !== "").join("; ") || "unknown"]];
}

/** An SD card or eMMC; its speed and errors are told where debugfs is mounted. */
async function cardLines(root: Root): Promise<readonly ReportLine[]> {
  const paths = await root.expand("/sys/block/mmcblk*/device/name");
  const cards = await Promise.all(
    paths.map(async (path) => {
      const device = path.split("/")[3] ?? "";
      const host = device.replace("mmcblk", "mmc");
      const [name, type, size, ios, errors] = await Promise.all([
        root.text(path),
        root.text(`/sys/block/${device}/device/type`),
        root.text(`/sys/block/${device}/size`),
        root.text(`/sys/kernel/debug/${host}/ios`),
        root.text(`/sys/kernel/debug/${host}/err_stats`),
      ]);
      const facts = [
        `${type?.trim() ?? "card"} ${name?.trim() ?? ""}`.trim(),
        gigabytes(size),
        ios === undefined ? undefined : parseSpeed(ios),
        errors === undefined ? "errors are not told here" : cardErrors(errors),
      ];
      return ["Card", `${device}: ${facts.filter((fact) => fact !== undefined).join(", ")}`] as const;
    }),
  );
  return cards;
}

function gigabytes(sectors: string | undefined): string | undefined {
  const count = Number(sectors);
  return sectors === undefined || !Number.isFinite(count)
    ? undefined
    : `${((count * 512) / 1e9).toFixed(1)} GB`;
}

/** The clock and the kind of transfer, of the kernel's `ios` file. */
export function parseSpeed(ios: string): string | undefined {
  const [, hertz] = /^clock:\s*(\d{1,12}) Hz/m.exec(ios) ?? [];
  const [, timing] = /^timing spec:\s*\d+ \(([\w .,-]{1,40})\)/m.exec(ios) ?? [];
  if (hertz === undefined) return undefined;
  return `${Math.round(Number(hertz) / 1e6)} MHz${timing === undefined ? "" : ` (${timing})`}`;
}

/** The counters of the kernel's `err_stats` file that are not zero. */
export function cardErrors(stats: string): string {
  const counted = stats.split("\n").flatMap((line) => {
    const [, what = "", count = "0"] = /^#?\s*([\w ]{1,40}?)(?: Occurred)?:\s*(\d{1,9})\s*$/.exec(line) ?? [];
    return Number(count) > 0 ? [`${count} x ${what}`] : [];
  });
  if (counted.length === 0) return "no errors";
  return `ERRORS since power-on (${counted.join(", ")}): try another card, reader contact or power supply`;
}

/** ext4 keeps the number of errors it ever found in the file system itself, until a check puts them right. */
async function fileSystemLines(root: Root): Promise<readonly ReportLine[]> {
  const paths = await root.expand("/sys/fs/ext4/*/errors_count");
  const counts = await Promise.all(paths.map((path) => root.text(path)));
  const found = paths.map((path, index) => {
    const count = Number(counts[index]);
    const isWell = count === 0 ? "no errors" : `${count} ERRORS noted: it needs a check (e2fsck)`;
    return `${path.split("/")[4]}: ${Number.isInteger(count) ? isWell : "unreadable"}`;
  });
  return found.length === 0 ? [] : [["File systems", found.join("; ")]];
}

async function networkLines(root: Root): Promise<readonly ReportLine[]> {
  const names = (await root.names("/sys/class/net")).filter((name) => name !== "lo");
  const states = await Promise.all(names.map((name) => root.text(`/sys/class/net/${name}/operstate`)));
  const links = names.map((name, index) => `${name} ${states[index]?.trim() ?? "unknown"}`);
  const routes = parseRoutes4((await root.text("/proc/net/route")) ?? "");
  const ways = routes
    .filter(({ prefix }) => prefix === 0)
    .toSorted((a, b) => a.metric - b.metric)
    .map(({ device, gateway }) => `${device}${gateway === undefined ? "" : ` by ${gateway}`}`);
  return [
    ["Links", links.join(", ") || "none"],
    ["Way to the internet", ways.join(", then ") || "NONE: no default route"],
  ];
}
