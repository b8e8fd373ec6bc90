import { existsSync } from "node:fs";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startChild } from "../../src/lib/child.ts";
import { ownNamespace } from "../../src/simulator/namespace.ts";
import type { Namespace } from "../../src/simulator/namespace.ts";
import { connectQmp } from "./qmp.ts";
import { followSerial } from "./serial-log.ts";
import type { SerialLog } from "./serial-log.ts";

export interface GuestOptions {
  readonly architecture: "arm64" | "amd64";
  /** A raw disk image; what the guest writes is written into it. */
  readonly disk: string;
  /** A file that is to record every write and flush of the disk in order, for `readWriteLog`. */
  readonly writeLog?: string;
  /** TAP devices in `namespace`, up: the guest's eth0, eth1 and so on. */
  readonly taps?: readonly string[];
  /** Where QEMU runs; this process's own where absent. */
  readonly namespace?: Namespace;
  /** Credentials of the guest's systemd (systemd.system-credentials(7)), by name; not for secrets. */
  readonly credentials?: Readonly<Record<string, string>>;
  /** Starts a kernel without firmware, boot loader and partitions, for what is no test of the image. */
  readonly kernel?: { readonly image: string; readonly initrd: string; readonly words: string };
  /** Mebibytes; 1024 where absent. */
  readonly memory?: number;
  /** Whether the machine begins anew when the guest asks for it; else QEMU ends then. */
  readonly reboots?: boolean;
}

/** A machine that QEMU plays. Disposal is a power cut. */
export interface Guest extends AsyncDisposable {
  readonly pid: number;
  readonly serial: SerialLog;
  /** Takes the power away at once. */
  cutPower(): Promise<void>;
  /** Pushes the power button. */
  pushButton(): Promise<void>;
  /** Pulls out the cable of a network card, or puts it back: `setCable(1, false)` pulls out that of eth1. */
  setCable(card: number, isIn: boolean): Promise<void>;
  /** Resolves when QEMU has ended: the guest powered off, or the power was cut. */
  readonly ended: Promise<void>;
}

interface Machine {
  readonly program: string;
  readonly package: string;
  readonly argv: readonly string[];
  readonly firmware: { readonly code: string; readonly variables: string; readonly package: string };
}

// The processor of ARM that QEMU is fastest at: it computes no pointer authentication, and unlike older ones has atomic
// instructions, and needs no page tables of its own for the kernel (E0PD).
// qemu64 without cmpxchg16b: QEMU 7.2 emulates that wrongly, and kernels of 2025 panic by chance.
const machines: Readonly<Record<GuestOptions["architecture"], Machine>> = {
  arm64: {
    program: "qemu-system-aarch64",
    package: "qemu-system-arm",
    argv: ["-M", "virt,gic-version=2", "-cpu", "max,pauth=off,sve=off"],
    firmware: {
      code: "/usr/share/AAVMF/AAVMF_CODE.fd",
      variables: "/usr/share/AAVMF/AAVMF_VARS.fd",
      package: "qemu-efi-aarch64",
    },
  },
  amd64: {
    program: "qemu-system-x86_64",
    package: "qemu-system-x86",
    argv: ["-M", "q35", "-cpu", "qemu64,-cx16"],
    firmware: {
      code: "/usr/share/OVMF/OVMF_CODE_4M.fd",
      variables: "/usr/share/OVMF/OVMF_VARS_4M.fd",
      package: "ovmf",
    },
  },
};

/** What `startGuest` misses on this machine, with the package that has it; undefined when it has all. */
export function whyNoGuest(architecture: GuestOptions["architecture"]): string | undefined {
  const { program, package: name, firmware } = machines[architecture];
  if (!existsSync(`/usr/bin/${program}`)) return `${program} is missing: apt-get install ${name}`;
  return existsSync(firmware.code)
    ? undefined
    : `${firmware.code} is missing: apt-get install ${firmware.package}`;
}

/**
 * Switches a machine on. It is emulated (a machine in the cloud has no better way), and lasts until the signal aborts,
 * disposal, or its own power-off. Rejects when QEMU does not start.
 */
export async function startGuest(options: GuestOptions, signal: AbortSignal): Promise<Guest> {
  const missing = whyNoGuest(options.architecture);
  if (missing !== undefined) throw new Error(missing);
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "guest-"));
  stack.defer(() => rm(folder, { recursive: true }));
  const { program, argv } = machines[options.architecture];
  const command = [
    ...[program, ...argv, "-smp", "2", "-m", `${options.memory ?? 1024}`, "-accel", "tcg,thread=multi"],
    ...["-nodefaults", "-no-user-config", "-display", "none"],
    ...(options.reboots === true ? [] : ["-no-reboot"]),
    // Unplugged from the terminal: what comes in on our side is the guest's serial line.
    ...["-chardev", "stdio,id=line,signal=off", "-serial", "chardev:line"],
    ...["-qmp", `unix:${join(folder, "qmp")},server=on,wait=off`],
    ...["-object", "rng-random,filename=/dev/urandom,id=chance", "-device", "virtio-rng-pci,rng=chance"],
    ...(await systemArguments(options, folder)),
    ...(await diskArguments(options)),
    ...networkArguments(options.taps ?? []),
  ] as const;
  const [entered, ...rest] = (options.namespace ?? ownNamespace).enter(command);
  const purpose = `playing an ${options.architecture} machine`;
  const child = stack.use(await startChild(entered, rest, signal, { purpose, name: program }));
  const serial = followSerial(child.stdout);
  const early = new AbortController();
  child.done.finally(() => early.abort()).catch(() => {});
  const qmp = stack.use(
    await connectQmp(join(folder, "qmp"), AbortSignal.any([early.signal, signal])).catch(
      async (error: unknown) => {
        await child.done; // it says why it ended
        throw error;
      },
    ),
  );
  const held = stack.move();
  return {
    pid: child.pid,
    serial,
    async cutPower() {
      await qmp.execute("quit").catch(() => {}); // it may not live to answer
      await child.done;
    },
    async pushButton() {
      await qmp.execute("system_powerdown");
    },
    async setCable(card, isIn) {
      await qmp.execute("set_link", { name: `card${card}`, up: isIn });
    },
    ended: child.done,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

async function systemArguments(options: GuestOptions, folder: string): Promise<readonly string[]> {
  const { kernel, credentials = {}, architecture } = options;
  const told: string[] = [];
  for (const [index, [name, value]] of Object.entries(credentials).entries()) {
    // By a file: a comma means something to QEMU.
    const file = join(folder, `credential${index}`);
    const content = Buffer.from(value).toString("base64");
    await writeFile(file, `io.systemd.credential.binary:${name}=${content}`);
    told.push("-smbios", `type=11,path=${file}`);
  }
  if (kernel !== undefined)
    return [...told, "-kernel", kernel.image, "-initrd", kernel.initrd, "-append", kernel.words];
  const { code, variables } = machines[architecture].firmware;
  const own = join(folder, "variables.fd");
  await copyFile(variables, own);
  const flash = "if=pflash,format=raw";
  return [...told, "-drive", `${flash},readonly=on,file=${code}`, "-drive", `${flash},file=${own}`];
}

async function diskArguments({ disk, writeLog }: GuestOptions): Promise<readonly string[]> {
  // What is flushed is in the log; that this machine's own disk has it too would only take time.
  const file = (name: string, path: string): string =>
    JSON.stringify({
      driver: "raw",
      "node-name": name,
      file: { driver: "file", filename: path, cache: { "no-flush": true }, discard: "unmap" },
      discard: "unmap",
    });
  const device = ["-device", "virtio-blk-pci,drive=disk,bootindex=1,write-cache=on"];
  if (writeLog === undefined) return ["-blockdev", file("disk", disk), ...device];
  await writeFile(writeLog, "");
  const filter = {
    driver: "blklogwrites",
    "node-name": "disk",
    file: "platters",
    log: "log",
    "log-sector-size": 512,
    "log-super-update-interval": 1,
    discard: "unmap",
  };
  return [
    ...["-blockdev", file("platters", disk), "-blockdev", file("log", writeLog)],
    ...["-blockdev", JSON.stringify(filter), ...device],
  ];
}

function networkArguments(taps: readonly string[]): readonly string[] {
  if (taps.length === 0) return ["-nic", "none"];
  return taps.flatMap((tap, index) => [
    ...["-netdev", `tap,id=wire${index},ifname=${tap},script=no,downscript=no`],
    ...["-device", `virtio-net-pci,netdev=wire${index},id=card${index},mac=52:54:00:00:00:${index + 16}`],
  ]);
}
