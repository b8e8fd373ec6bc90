import { defaultRoutes } from "../../boards/routes.ts";
import type { Route } from "../../boards/routes.ts";
import { twitchListUrl } from "../../outputs/twitch.ts";
import { toFault } from "../../domain/fault.ts";
import { checkClash } from "./clash-check.ts";
import { ok, unknown, warning, wrong } from "./check.ts";
import type { Check, Finding } from "./check.ts";
import { serverFor, peersOf } from "./context.ts";
import type { DoctorContext, Peer } from "./context.ts";
import { addressesOf, describeWay, knock, readRoutes, wayTo } from "./network.ts";
import type { Way } from "./network.ts";

/** Nobody's address (RFC 5737): what has no other route takes the way to it. */
const anywhere = "192.0.2.1";
const knockMs = 3000;

/** Robot, camera, and the ways to them and to the internet. */
export function networkChecks(context: DoctorContext): readonly Check[] {
  const peers = context.root.isThisMachine ? peersOf(context.config) : [];
  return [
    ...(peers.length > 0 ? [{ id: "network-clash", run: () => checkClash(context) }] : []),
    ...peers.map((peer): Check => ({ id: peer.id, run: (signal) => checkPeer(peer, context, signal) })),
    { id: "internet-route", limitMs: 8000, run: (signal) => checkInternetRoute(context, signal) },
  ];
}

async function checkPeer(
  { id, host, port }: Peer,
  context: DoctorContext,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const [where, name] = [`${host}:${port}`, id === "robot" ? "The robot" : "The camera"];
  try {
    const { milliseconds, device, from } = await knock(host, port, within(knockMs, signal));
    const over = device === undefined ? `from ${from}` : `over ${device} (${from})`;
    return [ok(id, `${where} answers in ${milliseconds.toFixed(0)} ms, ${over}.`)];
  } catch (error) {
    const [address] = await addressesOf(host).catch(() => []);
    const routes = await readRoutes(context.root);
    const way = address === undefined ? undefined : await wayTo(address, routes, context.run);
    const route = way === undefined ? "there is no route to it" : `the way to it is ${describeWay(way)}`;
    const far =
      way?.gateway !== undefined
        ? "It is looked for beyond a gateway: the port to the robot has no address in the robot's network."
        : `${name} cannot be reached.`;
    const remedy = `Is it on, and its cable in? Give the port to it an address in its network (for a Spot's payload port 192.168.50.x/24).`;
    return [wrong(id, `${where} does not answer (${reasonOf(error)}); ${route}.`, far, remedy)];
  }
}

const keepOff =
  "Keep the robot's port from routes and name servers: systemd-networkd [DHCPv4] UseRoutes=no UseGateway=no UseDNS=no; NetworkManager ipv4.never-default=yes ipv4.ignore-auto-routes=yes ipv4.ignore-auto-dns=yes.";

/** The classic fault: a default route over the robot's port, by which everything for the internet goes to the robot. */
async function checkInternetRoute(context: DoctorContext, signal: AbortSignal): Promise<readonly Finding[]> {
  const id = "internet-route";
  const routes = await readRoutes(context.root);
  if (routes.length === 0 && !context.root.isThisMachine)
    return [unknown(id, "Only the files of that machine are here, without its routes.")];
  const isHere = context.root.isThisMachine;
  const run = isHere ? context.run : undefined;
  const target = isHere ? await firstIngest(context) : undefined;
  const address = target?.address ?? anywhere;
  const [way, robot] = await Promise.all([wayTo(address, routes, run), robotWay(context, routes)]);
  if (way === undefined)
    return [
      wrong(
        id,
        `There is no route to ${address}.`,
        "Nothing can be published: this machine has no way to the internet.",
        "Connect the WiFi or another uplink; it must have a default route.",
      ),
    ];
  const defaults = defaultRoutes(routes);
  const evidence = `The way to ${target?.host ?? "the internet"} is ${describeWay(way)}${listDefaults(defaults)}.`;
  if (robot === undefined || way.device === "lo") return [ok(id, evidence)];
  if (way.device !== robot.way.device) {
    const spare = defaults.find(({ device }) => device === robot.way.device);
    if (spare === undefined) return [ok(id, evidence)];
    const meaning = `When ${way.device} fails, everything for the internet goes to the robot over ${spare.device}, and is lost there.`;
    return [warning(id, evidence, meaning, keepOff)];
  }
  const both = `${evidence} The robot (${robot.address}) is on ${robot.way.device} too.`;
  const meaning = `Everything for the internet goes over the robot's port, ${way.device}, and is lost there: a default route over the robot's port.`;
  const isClassic = way.gateway === robot.address || defaults.some(({ device }) => device !== way.device);
  if (isClassic || !isHere || !(await isReachable(target, signal)))
    return [wrong(id, both, meaning, keepOff)];
  const shared =
    "Robot and internet share one port. That is right only where they really are on one network.";
  return [warning(id, both, shared, keepOff)];
}

const listDefaults = (defaults: readonly Route[]): string =>
  new Set(defaults.map(({ device }) => device)).size < 2
    ? ""
    : ` (default routes: ${defaults.map(({ device, metric }) => `${device} metric ${metric}`).join(", ")})`;

interface Target {
  readonly host: string;
  readonly port: number;
  readonly address: string;
}

/** The first ingest whose name can be resolved. */
async function firstIngest({ config }: DoctorContext): Promise<Target | undefined> {
  for (const output of config?.outputs ?? []) {
    const server = serverFor(output);
    if (server === undefined) continue;
    const { host, port } = server;
    const [address] = await addressesOf(host).catch(() => []);
    if (address !== undefined) return { host, port, address };
  }
  return undefined;
}

async function robotWay(
  context: DoctorContext,
  routes: readonly Route[],
): Promise<{ readonly address: string; readonly way: Way } | undefined> {
  const [peer] = peersOf(context.config);
  if (peer === undefined) return undefined;
  const { root, run } = context;
  const [address] = await addressesOf(peer.host).catch(() => []);
  if (address === undefined) return undefined;
  const way = await wayTo(address, routes, root.isThisMachine ? run : undefined);
  return way === undefined || way.device === "lo" ? undefined : { address, way };
}

async function isReachable(target: Target | undefined, signal: AbortSignal): Promise<boolean> {
  if (target === undefined) return false;
  return knock(target.address, target.port, within(knockMs, signal)).then(
    () => true,
    () => false,
  );
}

/** A name server's answers for the hosts of the outputs. */
export function dnsChecks({ config, root }: DoctorContext): readonly Check[] {
  const outputs = root.isThisMachine ? (config?.outputs ?? []) : [];
  const hosts = new Set(outputs.map((output) => serverFor(output)?.host ?? twitchHost));
  return [...hosts].map((host): Check => {
    const id = `dns:${host}`;
    return {
      id,
      async run() {
        const servers = (await root.text("/etc/resolv.conf"))?.match(/^nameserver +\S+/gm) ?? [];
        const asked = servers.length === 0 ? "no name server is set" : servers.join(", ");
        const beganAt = performance.now();
        try {
          const addresses = await addressesOf(host);
          const took = (performance.now() - beganAt).toFixed(0);
          return [ok(id, `${host} is ${addresses.slice(0, 4).join(", ")} (${took} ms; ${asked}).`)];
        } catch (error) {
          const remedy = "Check /etc/resolv.conf: the name server must be the uplink's, not the robot's.";
          const meaning = "The ingest cannot be found by its name.";
          return [wrong(id, `${host} has no address (${reasonOf(error)}; ${asked}).`, meaning, remedy)];
        }
      },
    };
  });
}

const twitchHost = new URL(twitchListUrl).hostname;

export const reasonOf = (error: unknown): string => {
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof Error && (error.name === "TimeoutError" || code === "ABORT_ERR"))
    return `no answer within ${knockMs / 1000} s`;
  return code ?? toFault(error).message;
};

const within = (milliseconds: number, signal: AbortSignal): AbortSignal =>
  AbortSignal.any([signal, AbortSignal.timeout(milliseconds)]);
