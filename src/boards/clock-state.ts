import type { Root } from "./root.ts";

/**
 * Whether a time server has set the clock since power-on, by the files of systemd-timesyncd(8); undefined where that
 * service does not run, as with chrony, which tells it to its own program alone.
 */
export async function readClock(root: Root): Promise<boolean | undefined> {
  const names = await root.names("/run/systemd/timesync");
  if (names.includes("synchronized")) return true;
  return names.length > 0 || (await root.stamp("/run/systemd/timesync")) !== undefined ? false : undefined;
}
