import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { NetworkBackend } from "../../src/device/system-files.ts";
import type { SystemFiles } from "../../src/device/network-files.ts";
import { toFault } from "../../src/domain/fault.ts";
import { startChild } from "../../src/lib/child.ts";
import { openNamespace, runInside, systemProgram } from "../../src/simulator/namespace.ts";
import type { CommandLine, Namespace } from "../../src/simulator/namespace.ts";
import { checkout } from "../../image/deb/tools.ts";
import { eventually } from "./eventually.ts";
import { ubuntusNetworkManager } from "./made-up-base.ts";

/** A machine of its own as far as the network goes, whose links systemd-networkd or NetworkManager looks after. */
export interface ManagedDevice extends AsyncDisposable {
  /** Its network and its own view of the files: networks are joined to it before `manage`. */
  readonly namespace: Namespace;
  /** Starts the real program, with these files where it reads them. The links are what is plugged in by then. */
  manage(files: SystemFiles): Promise<void>;
  /** Resolves when the program says that these links are as they shall be. */
  settled(...links: readonly string[]): Promise<void>;
  /** The name servers and search domains that the program would use. */
  names(): Promise<string>;
  /** Writes a file where it alone sees it: below /run. */
  write(path: string, text: string): Promise<void>;
  /** Runs a program in it and gives what it printed. */
  run(...command: CommandLine): Promise<string>;
  /** What the program has said, a line each. */
  readonly log: readonly string[];
}

const purpose = "managing a device's links";

/**
 * What the programs may write is in memory and ends with them; the rest of the system is read-only to them. A fresh
 * /sys that is read-only tells them that there is no udev to wait for.
 */
const surroundings = `set -e
mount -t tmpfs tmpfs /run
mount -t sysfs -o ro sysfs /sys
mount --bind /etc /etc
mount -o remount,ro,bind /etc
for folder in /etc/systemd/network /etc/NetworkManager /var/lib/NetworkManager; do
  [ ! -d $folder ] || mount -t tmpfs tmpfs $folder
done
mkdir -p /run/dbus /run/systemd/network /run/systemd/netif
chown systemd-network:systemd-network /run/systemd/netif
echo ready
exec cat`;

/** No service is started on demand: those of this machine have no business here. */
const busConfiguration = `<busconfig>
<type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy>
</busconfig>`;

const managerConfiguration = `[main]
dhcp=internal
rc-manager=unmanaged
hostname-mode=none
auth-polkit=false
`;

/** There /usr/lib is its place, which is read before /run. */
const ubuntusPath = "/run/NetworkManager/conf.d/10-globally-managed-devices.conf";

/** What the playbook adds. */
const ourConfiguration = join(checkout, "ansible/roles/network/files/networkmanager.conf");
const ourPath = "/etc/NetworkManager/conf.d/60-spotlive.conf";

/** Opens a device without links. Takes root. Rejects with a `Fault`. */
export async function openManagedDevice(
  backend: NetworkBackend,
  signal: AbortSignal,
): Promise<ManagedDevice> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "managed-device-"));
  stack.defer(() => rm(folder, { recursive: true }));
  const network = stack.use(await openNamespace(signal));
  const [program, ...argv] = network.enter([
    ...(["unshare", "--mount", "--uts", "--propagation", "private", "--"] as const),
    ...["sh", "-c", surroundings],
  ]);
  const holder = stack.use(await startChild(program, argv, signal, { purpose }));
  await Promise.race([
    once(holder.stdout, "data"),
    holder.done.then(() => Promise.reject(new Error("the device ended"))),
  ]);
  const namespace: Namespace = {
    ...network,
    enter: (command) => ["nsenter", `--target=${holder.pid}`, "--net", "--mount", "--uts", "--", ...command],
  };
  const run = (...command: CommandLine): Promise<string> =>
    runInside(namespace, command, { purpose }, signal);
  async function write(path: string, text: string): Promise<void> {
    await runInside(namespace, ["tee", path], { purpose, input: text }, signal);
  }
  await run("ip", "link", "set", "dev", "lo", "up");
  const log: string[] = [];
  const programs = stack.use(new AsyncDisposableStack());
  const start = async (...command: CommandLine): Promise<void> => {
    const [program, ...argv] = namespace.enter(["sh", "-c", 'exec "$0" "$@" 2>&1', ...command]);
    const child = programs.use(await startChild(program, argv, signal, { purpose }));
    createInterface({ input: child.stdout }).on("line", (line) => log.push(line));
  };
  const isNetworkd = backend === "networkd";

  async function manage(files: SystemFiles): Promise<void> {
    for (const [path, { text, mode }] of files) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text, { mode });
    }
    if (isNetworkd) {
      await run("cp", "-r", join(folder, "network"), "/run/systemd");
      await start("/lib/systemd/systemd-networkd");
      return;
    }
    await writeFile(join(folder, "bus.conf"), busConfiguration);
    await writeFile(join(folder, "manager.conf"), managerConfiguration);
    await start("dbus-daemon", `--config-file=${join(folder, "bus.conf")}`, "--nofork", "--nopidfile");
    await run("cp", "-r", join(folder, "system-connections"), "/etc/NetworkManager");
    await run("mkdir", "-p", dirname(ubuntusPath), dirname(ourPath));
    await write(ubuntusPath, ubuntusNetworkManager);
    await run("cp", ourConfiguration, ourPath);
    await untilThere(() => run("test", "-S", "/run/dbus/system_bus_socket"));
    const config = `--config=${join(folder, "manager.conf")}`;
    await start(systemProgram("NetworkManager", "network-manager"), "--no-daemon", config);
  }

  const isSettled = async (link: string): Promise<boolean> => {
    if (!isNetworkd) {
      const states = await run("nmcli", "-t", "-f", "DEVICE,STATE", "device");
      return states.split("\n").includes(`${link}:connected`);
    }
    const index = (await run("cat", `/sys/class/net/${link}/ifindex`)).trim();
    return (await run("cat", `/run/systemd/netif/links/${index}`)).includes("ADMIN_STATE=configured");
  };

  const held = stack.move();
  return {
    namespace,
    manage,
    log,
    run,
    write,
    async settled(...links) {
      for (const link of links)
        await untilThere(async () => {
          if (!(await isSettled(link))) throw new Error(`${link} is not ready`);
        });
    },
    names: () => run("cat", isNetworkd ? "/run/systemd/netif/state" : "/run/NetworkManager/resolv.conf"),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** Waits until something works; the test's own limit ends it otherwise. */
async function untilThere(attempt: () => Promise<unknown>): Promise<void> {
  await eventually(() =>
    attempt().then(
      () => true,
      () => false,
    ),
  );
}

/** Tries whether `openManagedDevice` works on this machine, for this user: gives undefined, or why not. */
export async function whyNoManagedDevice(
  backend: NetworkBackend,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    if (backend === "networkmanager") systemProgram("NetworkManager", "network-manager");
    await using _device = await openManagedDevice(backend, signal);
    return undefined;
  } catch (error) {
    return `This machine makes no devices with ${backend} for us (${toFault(error).message}).`;
  }
}
