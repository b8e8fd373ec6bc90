import { access, constants, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readClock } from "../../boards/clock-state.ts";
import { readFreeSpace } from "../../boards/system-gauges.ts";
import { writeFileAtomic } from "../../lib/atomic-file.ts";
import { productFile } from "../../lib/product-files.ts";
import { hiddenQueueAdvice } from "../../outputs/kernel-queue.ts";
import { earliestTime } from "../../supervisor/wall-clock.ts";
import { ok, unknown, warning, wrong } from "./check.ts";
import type { Check, Finding } from "./check.ts";
import type { DoctorContext } from "./context.ts";
import { findMount, parseMounts } from "./mounts.ts";

/** Clock, kernel buffers, disk and root file system. */
export function systemChecks(context: DoctorContext): readonly Check[] {
  return [
    { id: "clock", run: () => checkClock(context) },
    {
      id: "kernel-buffers",
      run: () => checkBuffers(context),
      fix: () => applyKernelSettings(context.root.directory),
    },
    { id: "free-space", run: () => checkFreeSpace(context) },
    { id: "root-file-system", run: () => checkRootFileSystem(context) },
  ];
}

const programMs = 3000;

async function checkClock({ root, run }: DoctorContext): Promise<readonly Finding[]> {
  const id = "clock";
  const setIt = "Let this machine reach a time server: timedatectl set-ntp true.";
  const shown = new Date().toISOString().slice(0, 16).replace("T", " ");
  if (root.isThisMachine && Date.now() < earliestTime)
    return [wrong(id, `It is ${shown} UTC here.`, "No certificate is valid in the past.", setIt)];
  let synchronised = await readClock(root);
  if (synchronised === undefined && root.isThisMachine) {
    const answer = await run("timedatectl", ["show", "--property=NTPSynchronized", "--value"], programMs);
    const word = answer.kind === "ended" ? answer.output.toString("latin1").trim() : "";
    synchronised = word === "yes" ? true : word === "no" ? false : undefined;
  }
  const evidence = root.isThisMachine ? `It is ${shown} UTC here` : "The time there is not known";
  if (synchronised === undefined)
    return [unknown(id, `${evidence}; whether a time server has set it, nobody tells.`)];
  if (synchronised) return [ok(id, `${evidence}, and a time server has set it.`)];
  const meaning = "A clock that nobody has set goes wrong: certificates and logins may be refused.";
  return [warning(id, `${evidence}; no time server has set it since power-on.`, meaning, setIt)];
}

const receivePath = "/proc/sys/net/core/rmem_max";
const unsentPath = "/proc/sys/net/ipv4/tcp_notsent_lowat";
/** As in the settings that come with spotlive. */
const receiveBytes = 4_194_304;
const settingsName = "60-spotlive.conf";
const settingsFile = productFile(`systemd/${settingsName}`);
const howToSet = `sudo spotlive doctor --fix, or copy ${settingsName} to /etc/sysctl.d and run sysctl --system.`;

async function checkBuffers({ root }: DoctorContext): Promise<readonly Finding[]> {
  const numberAt = async (path: string): Promise<number | undefined> => {
    const text = (await root.text(path))?.trim() ?? "";
    return /^\d{1,10}$/.test(text) ? Number(text) : undefined;
  };
  const [receive, unsent] = await Promise.all([numberAt(receivePath), numberAt(unsentPath)]);
  return [judgeReceive("receive-buffer", receive), judgeUnsent("send-buffer", unsent)];
}

function judgeReceive(id: string, bytes: number | undefined): Finding {
  if (bytes === undefined) return unknown(id, "net.core.rmem_max is not shown here.");
  const evidence = `net.core.rmem_max is ${bytes}.`;
  if (bytes >= receiveBytes) return ok(id, evidence);
  const meaning = "A burst of the camera's packets (an IDR picture) does not fit, and some of them are lost.";
  return warning(id, evidence, meaning, howToSet);
}

function judgeUnsent(id: string, bytes: number | undefined): Finding {
  if (bytes === undefined) return unknown(id, "net.ipv4.tcp_notsent_lowat is not shown here.");
  const evidence = `net.ipv4.tcp_notsent_lowat is ${bytes}.`;
  const advice = hiddenQueueAdvice(() => bytes);
  return advice === undefined
    ? ok(id, evidence)
    : warning(id, evidence, advice.replace(/ Run: .*$/, ""), howToSet);
}

/** Keeps the settings for the next start, and sets those that are there now. */
async function applyKernelSettings(directory: string): Promise<string> {
  const text = await readFile(settingsFile, "utf8");
  const place = `/etc/sysctl.d/${settingsName}`;
  await writeFileAtomic(join(directory, place), text, { mode: 0o644 });
  const set: string[] = [];
  for (const [, name = "", value = ""] of text.matchAll(/^([a-z_0-9.]+) *= *(\S+)$/gm)) {
    const file = join(directory, "/proc/sys", name.replaceAll(".", "/"));
    const isThere = await stat(file).then(
      () => true,
      () => false,
    );
    if (!isThere) continue;
    await writeFile(file, value);
    set.push(`${name} = ${value}`);
  }
  return `Wrote ${place}${set.length === 0 ? "" : ` and set ${set.join(", ")}`}.`;
}

const leastMegabytes = 32;
const fewMegabytes = 256;

async function checkFreeSpace({ root, stateDirectory }: DoctorContext): Promise<readonly Finding[]> {
  const id = "free-space";
  if (!root.isThisMachine) return [unknown(id, "Only the files of that machine are here, not its disk.")];
  const folder = await nearestFolder(stateDirectory);
  const bytes = await readFreeSpace(folder);
  if (bytes === undefined) return [unknown(id, `The room for ${stateDirectory} is not told.`)];
  const megabytes = Math.floor(bytes / 1e6);
  const evidence = `${megabytes} MB are free for ${stateDirectory}.`;
  const meaning = "Settings, logins and recordings can no longer be kept when it is full.";
  const remedy = "Delete what is not needed; look at the journal first: journalctl --disk-usage.";
  if (megabytes < leastMegabytes) return [wrong(id, evidence, meaning, remedy)];
  return [megabytes < fewMegabytes ? warning(id, evidence, meaning, remedy) : ok(id, evidence)];
}

/** The folder itself, or the nearest one above it that exists: it is made at the first start. */
async function nearestFolder(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    const found = await stat(folder).catch(() => undefined);
    if (found !== undefined || folder === dirname(folder)) return folder;
  }
}

async function checkRootFileSystem({ root, stateDirectory }: DoctorContext): Promise<readonly Finding[]> {
  const mounts = parseMounts((await root.text("/proc/mounts")) ?? "");
  const [at, kept] = [findMount(mounts, "/"), findMount(mounts, stateDirectory)];
  return [
    judgeRoot("root-file-system", at),
    await judgeState("state-directory", kept, root.isThisMachine, stateDirectory),
  ];
}

type Mount = ReturnType<typeof findMount>;

function judgeRoot(id: string, mount: Mount): Finding {
  if (mount === undefined) return unknown(id, "The mounted file systems are not told.");
  const evidence = `/ is ${mount.type} on ${mount.device}, ${mount.isReadOnly ? "read-only" : "writable"}.`;
  if (mount.isReadOnly || mount.type === "overlay" || !/mmcblk/.test(mount.device)) return ok(id, evidence);
  const meaning =
    "A robot cuts the power without a word, and a writable root on a memory card may not survive it.";
  const remedy = "Use an image with a read-only root, or an overlay over it.";
  return warning(id, evidence, meaning, remedy);
}

async function judgeState(id: string, mount: Mount, isHere: boolean, folder: string): Promise<Finding> {
  if (mount?.isReadOnly === true) {
    const evidence = `${folder} is on ${mount.device}, which is read-only.`;
    const meaning =
      "Nothing can be remembered over power-off. A card that became read-only by itself is dying.";
    return wrong(
      id,
      evidence,
      meaning,
      "Mount a writable file system there; replace a card that is worn out.",
    );
  }
  if (!isHere)
    return mount === undefined
      ? unknown(id, "The mounted file systems are not told.")
      : ok(id, `${folder} is on ${mount.device}.`);
  const nearest = await nearestFolder(folder);
  const isWritable = await access(nearest, constants.W_OK).then(
    () => true,
    () => false,
  );
  if (isWritable) return ok(id, `${folder} can be written to.`);
  return unknown(
    id,
    `${nearest} cannot be written to by this user.`,
    "Ask as the user that spotlive runs as, or as root.",
  );
}
