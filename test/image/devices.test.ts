import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { withDevices } from "../../image/disk/devices.ts";

const run = promisify(execFile);

let tree: string;
beforeAll(async () => {
  tree = await mkdtemp(join(tmpdir(), "devices-"));
  await chmod(tree, 0o755);
  for (const name of ["dev", "usr"]) await mkdir(join(tree, name));
  for (const name of ["bin", "lib", "lib64"]) await symlink(`usr/${name}`, join(tree, name));
});
afterAll(() => rm(tree, { recursive: true }));

/** Runs a script in the root, with this machine's programs. */
async function inRoot(script: string): Promise<string> {
  const enter = 'mount --bind /usr "$0/usr" && exec chroot "$0" /bin/sh -euc "$1"';
  const [program, ...argv] = withDevices(tree, ["sh", "-euc", enter, tree, script]);
  return (await run(program, argv)).stdout;
}

it("a program in a root can throw away what it says, whoever it is, and what it reads there is nothing", async () => {
  const said = await inRoot(
    "echo lost >/dev/null; setpriv --reuid=65534 sh -c 'echo lost >/dev/null'; cat /dev/null",
  );
  expect(said).toBe("");
});

it("a program in a root finds no device of the machine that it runs on", async () => {
  const names = (await inRoot("ls /dev")).trim().split("\n");
  expect(names).toEqual(["full", "null", "random", "urandom", "zero"]);
});

it("a root keeps none of the devices, and this machine loses none", async () => {
  await inRoot("echo lost >/dev/null");
  expect(await readdir(join(tree, "dev"))).toEqual([]);
  expect(await readFile("/dev/null", "utf8")).toBe("");
});
