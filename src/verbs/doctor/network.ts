import { lookup } from "node:dns/promises";
import { connect, isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { parseRoutes4, parseRoutes6, findRoute } from "../../boards/routes.ts";
import type { Route } from "../../boards/routes.ts";
import type { RunProgram } from "../../boards/run-program.ts";
import { linesOfWords, wordAfter } from "../../lib/ip-text.ts";
import type { Root } from "../../boards/root.ts";

/** The main tables of both families. Never rejects. */
export async function readRoutes(root: Root): Promise<readonly Route[]> {
  const [four, six] = await Promise.all([root.text("/proc/net/route"), root.text("/proc/net/ipv6_route")]);
  return [...parseRoutes4(four ?? ""), ...parseRoutes6(six ?? "")];
}

/** The way to an address. */
export interface Way {
  readonly device: string;
  readonly gateway?: string;
}

const programMs = 2000;

/**
 * The way that the kernel takes: asked with `ip`, which knows rules and all tables; without it, by the main table.
 * Undefined where there is none.
 */
export async function wayTo(
  address: string,
  routes: readonly Route[],
  run: RunProgram | undefined,
): Promise<Way | undefined> {
  const answer = await run?.("ip", ["route", "get", address], programMs);
  const told = answer?.kind === "ended" ? parseWay(answer.output.toString("utf8")) : undefined;
  if (told !== undefined) return told;
  const route = findRoute(routes, address);
  return route && { device: route.device, ...(route.gateway !== undefined && { gateway: route.gateway }) };
}

/** Reads what `ip route get` prints. Total. */
export function parseWay(text: string): Way | undefined {
  const [words = []] = linesOfWords(text);
  const [device, gateway] = [wordAfter(words, "dev"), wordAfter(words, "via")];
  return device === undefined ? undefined : { device, ...(gateway !== undefined && { gateway }) };
}

export const describeWay = ({ device, gateway }: Way): string =>
  gateway === undefined ? `${device}, directly` : `${device}, by ${gateway}`;

/** The addresses of a host; an address is its own. Rejects with the resolver's error. */
export async function addressesOf(host: string): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** What came of a TCP connect. */
export interface Knock {
  readonly milliseconds: number;
  /** The device whose address it was made from; undefined where no device has that address. */
  readonly device: string | undefined;
  readonly from: string;
}

/** Connects and closes at once. Rejects with the system's error, or when aborted. */
export async function knock(host: string, port: number, signal: AbortSignal): Promise<Knock> {
  const beganAt = performance.now();
  const socket = connect({ host, port, signal });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once("connect", resolve).once("error", reject);
  try {
    await promise;
    const from = socket.localAddress ?? "";
    return { milliseconds: performance.now() - beganAt, device: deviceOf(from), from };
  } finally {
    socket.on("error", () => {}).destroy();
  }
}

function deviceOf(address: string): string | undefined {
  const plain = address.replace(/^::ffff:/, "");
  return Object.entries(networkInterfaces()).find(([, addresses]) =>
    addresses?.some((one) => one.address === plain),
  )?.[0];
}
