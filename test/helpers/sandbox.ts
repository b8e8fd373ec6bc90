import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { CommandLine } from "../../src/simulator/namespace.ts";

/**
 * Gives what runs a program so that a folder is empty for it and for all it starts, under the same process id. Where the
 * kernel refuses, that is said, and the program sees the folder.
 */
export async function hiding(folder: string): Promise<(command: CommandLine) => CommandLine> {
  const user = process.geteuid?.() === 0 ? [] : ["--user", "--map-root-user"];
  const script = 'mount -t tmpfs none "$0" && exec "$@"';
  const hide = (command: CommandLine): CommandLine => [
    ...(["unshare", ...user, "--mount", "--", "sh", "-c", script, folder] as const),
    ...command,
  ];
  try {
    const [program, ...argv] = hide(["ls", folder]);
    const { stdout } = await promisify(execFile)(program, argv);
    if (stdout === "") return hide;
    throw new Error(`it still has ${stdout}`);
  } catch (error) {
    console.warn(`${folder} cannot be hidden from programs here: ${String(error)}`);
    return (command) => command;
  }
}

/**
 * Gives what runs a program so that it may read a folder and not write there, as systemd's ProtectSystem=strict does;
 * undefined where the kernel refuses.
 */
export async function readOnly(folder: string): Promise<((command: CommandLine) => CommandLine) | undefined> {
  const user = process.geteuid?.() === 0 ? [] : ["--user", "--map-root-user"];
  const script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"';
  const wall = (command: CommandLine): CommandLine => [
    ...(["unshare", ...user, "--mount", "--", "sh", "-c", script, folder] as const),
    ...command,
  ];
  const [program, ...argv] = wall(["true"]);
  return await promisify(execFile)(program, argv).then(
    () => wall,
    (error: unknown) => {
      console.warn(`${folder} cannot be made read-only here: ${String(error)}`);
      return undefined;
    },
  );
}
