import { createSocket } from "node:dgram";
import { once } from "node:events";
import { networkInterfaces } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { Fault } from "../../domain/fault.ts";
import { explainClash, findClashes } from "../../lib/clash.ts";
import type { Interfaces } from "../../lib/clash.ts";
import { untilAborted } from "../../lib/signals.ts";

const lookEveryMs = 250;

/**
 * The address of this machine that the camera shall send to: one of `interfaceName`, or where that is undefined the
 * one that the routes choose. Rejects with `robot-unreachable` while the interface is absent or has no address.
 */
export async function findLocalAddress(host: string, interfaceName: string | undefined): Promise<string> {
  if (interfaceName === undefined) return await addressByRoute(host);
  const chosen = await addressByRoute(host).catch(() => undefined);
  return addressOn(interfaceName, host, chosen, networkInterfaces());
}

/** Resolves when an address appears where there was none; rejects when aborted. */
export async function awaitLocalAddress(
  host: string,
  interfaceName: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const isThere = (): Promise<boolean> =>
    findLocalAddress(host, interfaceName).then(
      () => true,
      () => false,
    );
  if (await isThere()) await untilAborted(signal);
  while (!(await isThere())) await sleep(lookEveryMs, undefined, { signal });
  signal.throwIfAborted();
}

/** An address of the interface: the one that the routes choose if it is there, else the first of the camera's family. */
export function addressOn(
  interfaceName: string,
  host: string,
  chosen: string | undefined,
  interfaces: Interfaces,
): string {
  const family = host.includes(":") ? "IPv6" : "IPv4";
  const own = (interfaces[interfaceName] ?? []).filter((one) => one.family === family);
  const address = own.find((one) => one.address === chosen)?.address ?? own[0]?.address;
  if (address !== undefined) return address;
  throw new Fault(
    "robot-unreachable",
    `${interfaceName}, the interface to the robot, is not there, is down, or has no ${family} address yet. Check its cable, and spot.interface.`,
  );
}

/** The address this machine uses towards the camera: connecting a UDP socket asks the routing table, sends nothing. */
async function addressByRoute(host: string): Promise<string> {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  try {
    const connected = once(socket, "connect");
    socket.connect(9, host);
    await connected;
    return socket.address().address;
  } catch (error) {
    throw new Fault(
      "robot-unreachable",
      `There is no network route to the camera at ${host}. Check the cable and this box's address.`,
      { cause: error },
    );
  } finally {
    socket.close();
  }
}

/**
 * Looks before anything is said to the robot whether its interface is there: another machine with its address, on
 * another interface, must never be taken for it. Gives what clashes with the robot's network, in a sentence, or
 * undefined. Throws `robot-unreachable` while the interface is absent.
 */
export async function lookAtInterface(
  hosts: readonly [string, ...string[]],
  interfaceName: string | undefined,
): Promise<string | undefined> {
  const interfaces = networkInterfaces();
  if (interfaceName !== undefined)
    for (const host of hosts) addressOn(interfaceName, host, undefined, interfaces);
  const chosen = await addressByRoute(hosts[0]).catch(() => undefined);
  const byRoute = Object.entries(interfaces).find(([, addresses]) =>
    addresses?.some(({ address }) => address === chosen),
  )?.[0];
  const robotInterface = interfaceName ?? byRoute;
  const [worst] = findClashes(interfaces, hosts, robotInterface);
  if (worst === undefined) return undefined;
  const { evidence, meaning, remedy } = explainClash(worst, robotInterface);
  return `${evidence} ${meaning} ${remedy}`;
}
