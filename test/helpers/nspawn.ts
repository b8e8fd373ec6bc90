import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { CommandLine } from "../../src/simulator/namespace.ts";

const run = promisify(execFile);

export interface MachineOptions {
  /** The root; what is written to it is lost with the power. */
  readonly tree: string;
  /** What is laid over it, by the paths of the files. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Units that are started at power-on. */
  readonly enable?: readonly string[];
  /** A file system in a file, mounted read-only at /boot/firmware. */
  readonly boot?: string;
  /** The folder that is mounted at /data. */
  readonly data?: string;
}

/** A machine without a kernel of its own (systemd-nspawn(1)), with systemd as its first process and a network of its own. */
export interface Machine extends AsyncDisposable {
  /** The words that run a program in it. */
  inside(command: CommandLine): CommandLine;
  /** Runs a program in it and gives what it prints. */
  run(...command: CommandLine): Promise<string>;
  /** Puts a program into its network alone. */
  enter(command: CommandLine): CommandLine;
  /** What it has written to its console. */
  console(): Promise<string>;
  /** Polls until a program's answer is as wanted; fails with the last one after `limitMs`. */
  until(what: RegExp, command: CommandLine, limitMs?: number): Promise<string>;
  powerOff(): Promise<void>;
}

/**
 * Mounts of its own: no cgroup file system but the new one, the root with memory over it. `script` is the terminal that
 * the console is. redirect_dir: systemd renames folders, which an overlay refuses without it.
 */
const start = `
work=$1; tree=$2; boot=$3; data=$4
ip link set lo up
umount -R /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
mount -t tmpfs none "$work/memory"
mkdir "$work/memory/upper" "$work/memory/work"
cp -a "$work/files/." "$work/memory/upper/"
mount -t overlay none -o "redirect_dir=on,lowerdir=$tree,upperdir=$work/memory/upper,workdir=$work/memory/work" "$work/root"
[ -z "$data" ] || { mkdir -p "$work/root/data"; mount --bind "$data" "$work/root/data"; }
[ -z "$boot" ] || {
  mkdir -p "$work/root/boot/firmware"
  # Not -o loop,ro: the device itself would be read-only for ever. It goes with its last user.
  device=$(losetup --find --show "$boot")
  mount -o ro "$device" "$work/root/boot/firmware"
  losetup --detach "$device"
}
exec script -qefc "exec systemd-nspawn --quiet --boot --register=no --keep-unit --console=interactive --directory='$work/root'" "$work/console"
`;

export async function startMachine(options: MachineOptions): Promise<Machine> {
  const work = await mkdtemp("/var/tmp/spotlive-machine-");
  const { tree, boot = "", data = "", files = {}, enable = [] } = options;
  for (const folder of ["memory", "root", "files/etc/systemd/system/multi-user.target.wants"])
    await mkdir(join(work, folder), { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(work, "files", path)), { recursive: true });
    await writeFile(join(work, "files", path), content);
  }
  const wants = join(work, "files/etc/systemd/system/multi-user.target.wants");
  for (const unit of enable) await run("ln", ["-s", `/usr/lib/systemd/system/${unit}`, join(wants, unit)]);
  const namespaces = ["--mount", "--net", "--propagation", "private", "--kill-child=KILL", "--fork"];
  const argv = [...namespaces, "sh", "-euc", start, "sh", work, tree, boot, data];
  const child = spawn("unshare", argv, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (bytes: Buffer) => (said += bytes.toString()));
  const ended = once(child, "exit");
  let isOver = false;
  void ended.then(() => (isOver = true));
  const consoleText = (): Promise<string> => readFile(join(work, "console"), "utf8").catch(() => "");
  let first: number | undefined;
  while (first === undefined) {
    if (isOver) throw new Error(`The machine did not start: ${said}\n${await consoleText()}`);
    first = await firstProcess(child.pid ?? 0);
    await sleep(20);
  }
  const leader = String(first);
  const machine: Machine = {
    inside: (command) => ["nsenter", "--target", leader, "--all", "--root", "--wd=/", "--", ...command],
    async run(...command) {
      const [program, ...argv] = machine.inside(command);
      const { stdout } = await run(program, argv, { env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" } });
      return stdout;
    },
    enter: (command) => ["nsenter", "--target", leader, "--net", "--", ...command],
    console: consoleText,
    async until(what, command, limitMs = 60_000) {
      const end = performance.now() + limitMs;
      for (;;) {
        const answer = await machine.run(...command).catch((error: unknown) => String(error));
        if (what.test(answer)) return answer;
        if (isOver || performance.now() > end)
          throw new Error(`never ${what}, but ${answer}\n${(await consoleText()).slice(-3000)}`);
        await sleep(100);
      }
    },
    async powerOff() {
      // The connection may end before the answer comes.
      await machine.run("systemctl", "poweroff", "--no-block").catch(() => "");
      await ended;
    },
    async [Symbol.asyncDispose]() {
      if (!isOver && first !== undefined) process.kill(first, "SIGKILL");
      await ended;
      await rm(work, { recursive: true, force: true });
    },
  };
  return machine;
}

/** Of the processes below one, that which is the first in a namespace of its own. */
async function firstProcess(parent: number): Promise<number | undefined> {
  const parents = new Map<number, number>();
  const firsts: number[] = [];
  for (const name of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const status = await readFile(`/proc/${name}/status`, "utf8").catch(() => "");
    parents.set(Number(name), Number(/^PPid:\s*(\d+)$/m.exec(status)?.[1]));
    if (/^Name:\s*systemd$/m.test(status) && /^NSpid:.*\s1$/m.test(status)) firsts.push(Number(name));
  }
  const isBelow = (pid: number | undefined): boolean =>
    pid === parent || (pid !== undefined && pid > 1 && isBelow(parents.get(pid)));
  return firsts.find(isBelow);
}
