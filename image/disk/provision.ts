import { copyFile, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { checkout } from "../deb/tools.ts";
import type { Board } from "./boards.ts";
import { withDevices } from "./devices.ts";
import { lendPython } from "./host-python.ts";
import { runAloud } from "./shell.ts";

export interface Provision {
  readonly tree: string;
  readonly board: Board;
  /** The groups of the playbook that the base adds to those of the board. */
  readonly groups: readonly string[];
  readonly deb: string;
  /** For files of one run. */
  readonly folder: string;
}

/** Runs the playbook on a root that is not running, and gives how many of its tasks changed something. */
export async function provision({ tree, board, groups, deb, folder }: Provision): Promise<number> {
  const python = await lendPython(tree, board.architecture);
  const host = {
    ansible_python_interpreter: python.interpreter,
    ansible_connection: "community.general.chroot",
    ansible_host: tree,
    spotlive_target: "image",
    spotlive_deb: deb,
    // The root's own apt has done it, where it was needed: ours cannot check the signatures of every suite.
    spotlive_apt_update: false,
  };
  const all = [...board.groups, ...groups];
  const children = Object.fromEntries(all.map((name) => [name, { hosts: { image: {} } }]));
  const inventory = join(folder, "inventory.json");
  await writeFile(inventory, JSON.stringify({ all: { hosts: { image: host }, children } }));
  await borrowResolver(tree);
  const playbook = python.enter(["ansible-playbook", "--inventory", inventory, "site.yml"]);
  await runAloud(withDevices(tree, playbook), {
    cwd: join(checkout, "ansible"),
    environment: {
      // A unit must not be started while it is installed.
      RUNLEVEL: "1",
      ANSIBLE_LOG_PATH: logOf(folder),
      ANSIBLE_LOCAL_TEMP: join(folder, "ansible"),
      LC_ALL: "C.UTF-8",
    },
  });
  return await countChanges(folder);
}

/** Asks the archives of a root what they have, which takes a minute under emulation. */
export async function updateLists(tree: string): Promise<void> {
  await borrowResolver(tree);
  await runAloud(withDevices(tree, ["chroot", tree, "apt-get", "-q", "update"]));
}

/** Names are looked up as on this machine; the image gets its own way back later. */
async function borrowResolver(tree: string): Promise<void> {
  const resolver = join(tree, "etc/resolv.conf");
  await rm(resolver, { force: true });
  await copyFile("/etc/resolv.conf", resolver);
}

const logOf = (folder: string): string => join(folder, "ansible.log");

/** Of the last run. */
async function countChanges(folder: string): Promise<number> {
  const log = await readFile(logOf(folder), "utf8");
  const recaps = [...log.matchAll(/\bok=\d+\s+changed=(\d+)\s/g)];
  const last = recaps.at(-1)?.[1];
  if (last === undefined) throw new Error("Ansible wrote no recap.");
  return Number(last);
}
