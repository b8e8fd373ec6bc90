import { chmod, mkdir, readlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Architecture } from "../deb/node.ts";

/** How a playbook is run on a root. */
export interface PythonLoan {
  /** Ansible's `ansible_python_interpreter`. */
  readonly interpreter: string;
  /** The same command, but run where the root can reach that interpreter. */
  enter(command: readonly [string, ...string[]]): readonly [string, ...string[]];
}

const own: PythonLoan = { interpreter: "/usr/bin/python3", enter: (command) => command };

/** In the root, below /run: this machine's /usr, and what is made here. */
const place = "/run/build-host";

/**
 * Lends this machine's Python to a root of another architecture: Ansible starts one for every step, which takes seconds
 * each under emulation. Only Python itself is lent; the programs that it starts are the root's. This machine's /usr is
 * mounted into the root for that one command and is gone with it.
 */
export async function lendPython(tree: string, architecture: Architecture): Promise<PythonLoan> {
  if (process.arch !== "x64" || architecture === "amd64") return own;
  const usr = join(tree, place, "usr");
  await mkdir(usr, { recursive: true });
  const libraries = `${place}/usr/lib/x86_64-linux-gnu`;
  const python = `${place}/usr/bin/${basename(await readlink("/usr/bin/python3"))}`;
  const settings = `${place}/apt.conf`;
  // python3-apt takes the architecture that it was built for, unless it is told.
  await writeFile(
    join(tree, settings),
    `APT::Architecture "${architecture}";\nAPT::Architectures { "${architecture}"; };\n`,
  );
  const script = [
    "#!/bin/sh",
    `export PYTHONHOME=${place}/usr APT_CONFIG=${settings}`,
    `exec ${libraries}/ld-linux-x86-64.so.2 --library-path ${libraries} ${python} "$@"`,
  ];
  const interpreter = `${place}/python3`;
  await writeFile(join(tree, interpreter), `${script.join("\n")}\n`);
  await chmod(join(tree, interpreter), 0o755);
  const mount = 'mount --bind /usr "$0" && mount -o remount,bind,ro "$0" && exec "$@"';
  return {
    interpreter,
    enter: (command) => ["unshare", "--mount", "sh", "-euc", mount, usr, ...command],
  };
}
