import { execFile } from "node:child_process";
import { chmod, cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packDeb } from "../../image/deb/pack.ts";
import { checkout } from "../../image/deb/tools.ts";
import { debianBase } from "../../image/disk/base.ts";
import { findBoard } from "../../image/disk/boards.ts";
import { openWorkshop, unpackRoot } from "../../image/disk/tree.ts";
import type { Workshop } from "../../image/disk/tree.ts";
import { startSimulation } from "../../src/verbs/simulation-child.ts";
import { ffmpeg } from "../helpers/collect.ts";
import { startMachine } from "../helpers/nspawn.ts";
import type { Machine } from "../helpers/nspawn.ts";

const run = promisify(execFile);
const board = findBoard("generic-amd64");
const name = "keeps-its-name";

describe("a Debian machine that runs", { timeout: 900_000 }, () => {
  const stack = new AsyncDisposableStack();
  let workshop: Workshop;
  let machine: Machine;
  let deb: string;

  beforeAll(async () => {
    if (board.debian === undefined) throw new Error("generic-amd64 is made from Debian.");
    const base = await debianBase(board.architecture, board.debian);
    workshop = stack.use(await openWorkshop());
    const { folder, tree } = workshop;
    await unpackRoot(base.path, tree);
    deb = await packDeb({ architecture: board.architecture, folder, compression: "none" });
    const film = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30", "-t", "4", "-pix_fmt", "yuv420p"];
    await ffmpeg([...film, "-c:v", "libx264", "-g", "30", "-bf", "0", join(tree, "srv/film.mp4")]);
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, "key")]);
    await mkdir(join(tree, "root/.ssh"), { recursive: true, mode: 0o700 });
    await cp(join(folder, "key.pub"), join(tree, "root/.ssh/authorized_keys"));
    await writeFile(join(tree, "etc/hostname"), `${name}\n`);
    // Its root is in memory here, and spotlive keeps nothing there.
    const data = join(folder, "data");
    await mkdir(data);
    machine = stack.use(await startMachine({ tree, data }));
    await machine.until(/^(running|degraded)$/m, ["sh", "-c", "systemctl is-system-running || true"]);
    await machine.run("sh", "-c", "mkdir -p /run/sshd; ssh-keygen -A");
  }, 900_000);
  afterAll(() => stack.disposeAsync());

  /** Runs the playbook over ssh, whose other end is started in the machine for each connection; gives what was changed. */
  async function play(): Promise<number> {
    const { folder } = workshop;
    const far = machine.inside(["/usr/sbin/sshd", "-i"]).join(" ");
    const vars = {
      ...{ ansible_user: "root", ansible_ssh_private_key_file: join(folder, "key") },
      ansible_ssh_common_args: `-o ProxyCommand="${far}" -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no`,
      ansible_python_interpreter: "/usr/bin/python3",
      ...{ spotlive_deb: deb, spotlive_apt_update: false, spotlive_data_directory: "/data/spotlive" },
      spotlive_boot_file: {
        ...{ source: "file", file: { path: "/srv/film.mp4" }, autostart: "always" },
        outputs: [{ name: "main", url: "rtmp://127.0.0.1:1935/app", streamKey: "key-canary" }],
      },
    };
    const inventory = join(folder, "live.json");
    const children = { generic: { hosts: { robot: vars } } };
    await writeFile(inventory, JSON.stringify({ all: { children } }));
    await chmod(inventory, 0o600);
    const { stdout } = await run("ansible-playbook", ["--inventory", inventory, "site.yml"], {
      cwd: join(checkout, "ansible"),
      env: { ...process.env, LC_ALL: "C.UTF-8", ANSIBLE_LOCAL_TEMP: join(folder, "ansible") },
      maxBuffer: 16 * 1024 * 1024,
    }).catch((error: Error & { readonly stdout?: string }) => {
      throw new Error((error.stdout ?? error.message).slice(-4000));
    });
    expect(stdout).not.toContain("key-canary");
    return Number(/changed=(\d+)/.exec(stdout)?.[1]);
  }

  it("becomes a device over ssh, goes live, and is changed by no second run", async () => {
    await using _ingest = await startSimulation(
      "ingest",
      { port: 1935 },
      () => {},
      new AbortController().signal,
      machine.enter,
    );
    expect(await play()).toBeGreaterThan(10);
    await machine.until(/"phase":"live"/, ["/usr/bin/spotlive", "status", "--json"]);
    expect(await play()).toBe(0);
    expect(await machine.run("systemctl", "is-active", "spotlive")).toBe("active\n");
  });

  it("keeps its own name, and its secrets from all but the service", async () => {
    expect(await machine.run("hostname")).toBe(`${name}\n`);
    const path = "/data/spotlive/current/spotlive.yaml";
    expect((await machine.run("stat", "-c", "%a %G", path)).trim()).toMatch(/^6[04]0 spotlive$/);
    expect(await readFile(join(workshop.tree, "etc/hostname"), "utf8")).toBe(`${name}\n`);
  });
});
