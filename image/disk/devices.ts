import { join } from "node:path";

/** What programs count on, of no machine in particular. */
const devices = ["null", "zero", "full", "random", "urandom"];

/**
 * The same command, but run where a root has the devices that every program counts on: scripts of packages write to
 * /dev/null, and apt does so as a user who may not write to a file that such a script has made in its place. They are
 * mounted for that one command and are gone with it.
 */
export function withDevices(
  tree: string,
  command: readonly [string, ...string[]],
): readonly [string, ...string[]] {
  const each = `for name in ${devices.join(" ")}; do : >"$0/$name" && mount --bind "/dev/$name" "$0/$name"; done`;
  const mount = `mount -t tmpfs -o mode=0755 devices "$0" && ${each} && exec "$@"`;
  return ["unshare", "--mount", "sh", "-euc", mount, join(tree, "dev"), ...command];
}
