import { BlockList, isIP } from "node:net";
import type { NetworkInterfaceInfo } from "node:os";

/** The addresses of this machine by interface, as `networkInterfaces()` of node:os gives them. */
export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/** Another interface than the robot's is in a network that looks like the robot's. */
export interface Clash {
  /** The other interface, and its address with the bits of its network. */
  readonly name: string;
  readonly cidr: string;
  /**
   * `same-address`: it has the robot's own address, so that nothing can be sent to the robot. `robot-inside`: the robot
   * is looked for there, unless a route of its own says otherwise. `overlap`: some addresses exist on both sides.
   */
  readonly kind: "same-address" | "robot-inside" | "overlap";
}

/**
 * Finds the interfaces whose networks clash with the robot's. `hosts` are its addresses; names and what is no address
 * do not count. Without `robotInterface` the networks of no interface are the robot's. The worst kind comes first.
 */
export function findClashes(
  interfaces: Interfaces,
  hosts: readonly string[],
  robotInterface: string | undefined,
): readonly Clash[] {
  const own = robotInterface === undefined ? [] : (interfaces[robotInterface] ?? []);
  return Object.entries(interfaces)
    .flatMap(([name, addresses = []]) =>
      name === robotInterface ? [] : addresses.map((one) => ({ name, one })),
    )
    .flatMap(({ name, one }): readonly Clash[] => {
      if (one.internal || one.cidr === null || isLinkLocal(one)) return [];
      const kind = hosts.includes(one.address)
        ? "same-address"
        : hosts.some((host) => isInside(host, one))
          ? "robot-inside"
          : own.some((other) => isInside(other.address, one) || isInside(one.address, other))
            ? "overlap"
            : undefined;
      return kind === undefined ? [] : [{ name, cidr: one.cidr, kind }];
    })
    .toSorted((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind));
}

const kinds: readonly Clash["kind"][] = ["same-address", "robot-inside", "overlap"];

/** Every interface has one of these, and they lead no further than its cable. */
const isLinkLocal = ({ address }: NetworkInterfaceInfo): boolean => /^fe[89ab]/i.test(address);

function isInside(address: string, { cidr, family }: NetworkInterfaceInfo): boolean {
  const [network = "", bits = ""] = cidr?.split("/") ?? [];
  if (isIP(address) !== (family === "IPv4" ? 4 : 6) || isIP(network) === 0) return false;
  const list = new BlockList();
  const kind = family === "IPv4" ? "ipv4" : "ipv6";
  list.addSubnet(network, Number(bits), kind);
  return list.check(address, kind);
}

/** A clash in sentences: what was seen, what that means, and what to do. */
export function explainClash(
  { name, cidr, kind }: Clash,
  robotInterface: string | undefined,
): { readonly evidence: string; readonly meaning: string; readonly remedy: string } {
  const robot = robotInterface === undefined ? "the robot" : `the robot on ${robotInterface}`;
  const remedy = `Give the network of ${name} other addresses, in the settings of its router or phone, or use another network: the robot's are not to be changed.`;
  switch (kind) {
    case "same-address":
      return {
        evidence: `${name} (${cidr}) has the robot's own address.`,
        meaning: "Nothing can be sent to the robot: this machine takes itself for it.",
        remedy,
      };
    case "robot-inside":
      return {
        evidence: `${name} (${cidr}) is in a network with the addresses of ${robot}.`,
        meaning: `The robot is found only by a route of its own over its interface; whoever has its address on the side of ${name}, as a gateway or a name server may, is not.`,
        remedy,
      };
    case "overlap":
      return {
        evidence: `${name} (${cidr}) is in a network that overlaps with that of ${robot}.`,
        meaning: "What has an address that exists on both sides is found on one of them alone.",
        remedy,
      };
  }
}
