import { readFileSync } from "node:fs";
import type { Socket } from "node:net";

/**
 * Bytes of a TCP connection that the kernel holds because they were not acknowledged, sent or not: the `tx_queue` of
 * `/proc/self/net/tcp` (proc(5)). Undefined where that cannot be read. The kernel looks through its whole table of
 * connections for this, which takes from a tenth of a millisecond to some milliseconds.
 */
export function readKernelQueue(
  socket: Socket,
  readTable: typeof readTables = readTables,
): number | undefined {
  const { localPort, remotePort } = socket;
  if (localPort === undefined || remotePort === undefined) return undefined;
  return findQueue(readTable(socket.remoteFamily === "IPv6"), localPort, remotePort);
}

/** Finds the connection between two ports in the text of the table. Total. */
export function findQueue(table: string, localPort: number, remotePort: number): number | undefined {
  const ending = (port: number): string => `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  for (const line of table.split("\n").slice(1)) {
    const [, local = "", remote = "", , queues = ""] = line.trim().split(/\s+/);
    if (!local.endsWith(ending(localPort)) || !remote.endsWith(ending(remotePort))) continue;
    const [, bytes] = /^([\dA-F]{8}):/.exec(queues) ?? [];
    return bytes === undefined ? undefined : Number.parseInt(bytes, 16);
  }
  return undefined;
}

/** More than this of what was not sent yet may hide in the kernel only where nobody has set a limit. */
const mostHiddenBytes = 131_072;

/** What to do about a kernel that takes more than it can send (`tcp_notsent_lowat`, ip-sysctl); undefined where it is well. */
export function hiddenQueueAdvice(readLimit: typeof readNotsentLimit = readNotsentLimit): string | undefined {
  const limit = readLimit();
  if (limit === undefined || limit <= mostHiddenBytes) return undefined;
  return "The kernel takes more than it can send, where spotlive can neither see nor drop it. Run: sysctl -w net.ipv4.tcp_notsent_lowat=32768";
}

function readNotsentLimit(): number | undefined {
  try {
    return Number(readFileSync("/proc/sys/net/ipv4/tcp_notsent_lowat", "latin1"));
  } catch {
    return undefined;
  }
}

function readTables(ipv6: boolean): string {
  try {
    return readFileSync(ipv6 ? "/proc/self/net/tcp6" : "/proc/self/net/tcp", "latin1");
  } catch {
    return "";
  }
}
