import { BlockList, isIP } from "node:net";

/** One line of the kernel's main routing table. */
export interface Route {
  readonly device: string;
  readonly family: "ipv4" | "ipv6";
  readonly destination: string;
  /** Bits; 0: the default route. */
  readonly prefix: number;
  readonly gateway?: string;
  /** The smallest wins among equally long prefixes. */
  readonly metric: number;
}

const up = 0x1;
const viaGateway = 0x2;
const reject = 0x200;

/** Reads /proc/net/route (proc_net(5)): hexadecimal in the processor's order, which is little endian on our boards. Total. */
export function parseRoutes4(table: string): readonly Route[] {
  return table.split("\n").flatMap((line) => {
    const [device, destination = "", gateway = "", flagWord = "", , , metric = "", mask = ""] = line
      .trim()
      .split(/\s+/);
    if (device === undefined || ![destination, gateway, mask].every((word) => /^[\dA-F]{8}$/i.test(word)))
      return [];
    const flags = Number.parseInt(flagWord, 16);
    if ((flags & up) === 0 || (flags & reject) !== 0) return [];
    return {
      device,
      family: "ipv4",
      destination: address4(destination),
      prefix: bitsOf(Number.parseInt(mask, 16)),
      ...((flags & viaGateway) !== 0 && { gateway: address4(gateway) }),
      metric: Number(metric),
    };
  });
}

/** Reads /proc/net/ipv6_route, without the routes of the loopback device. Total. */
export function parseRoutes6(table: string): readonly Route[] {
  return table.split("\n").flatMap((line) => {
    const [destination = "", prefix = "", , , gateway = "", metric = "", , , flagWord = "", device] = line
      .trim()
      .split(/\s+/);
    if (
      device === undefined ||
      device === "lo" ||
      ![destination, gateway].every((word) => /^[\da-f]{32}$/.test(word))
    )
      return [];
    const flags = Number.parseInt(flagWord, 16);
    if ((flags & up) === 0 || (flags & reject) !== 0) return [];
    const isDirect = /^0+$/.test(gateway);
    return {
      device,
      family: "ipv6",
      destination: address6(destination),
      prefix: Number.parseInt(prefix, 16),
      ...(!isDirect && { gateway: address6(gateway) }),
      metric: Number.parseInt(metric, 16),
    };
  });
}

/** The route that a packet to this address takes: the longest prefix, then the smallest metric. */
export function findRoute(routes: readonly Route[], address: string): Route | undefined {
  const family = isIP(address) === 6 ? "ipv6" : "ipv4";
  if (isIP(address) === 0) return undefined;
  return routes
    .filter((route) => route.family === family && covers(route, address))
    .toSorted((a, b) => b.prefix - a.prefix || a.metric - b.metric)[0];
}

/** The default routes, the one that is used first. */
export function defaultRoutes(routes: readonly Route[]): readonly Route[] {
  return routes.filter(({ prefix }) => prefix === 0).toSorted((a, b) => a.metric - b.metric);
}

function covers({ destination, prefix, family }: Route, address: string): boolean {
  if (prefix === 0) return true;
  const list = new BlockList();
  list.addSubnet(destination, prefix, family);
  return list.check(address, family);
}

function address4(word: string): string {
  return [6, 4, 2, 0].map((at) => Number.parseInt(word.slice(at, at + 2), 16)).join(".");
}

function address6(word: string): string {
  return (word.match(/.{4}/g) ?? []).map((group) => Number.parseInt(group, 16).toString(16)).join(":");
}

function bitsOf(mask: number): number {
  return mask.toString(2).replaceAll("0", "").length;
}
