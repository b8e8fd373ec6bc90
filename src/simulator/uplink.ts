import { Fault, toFault } from "../domain/fault.ts";
import { openNamespace, ownNamespace, runInside, systemProgram } from "./namespace.ts";
import type { CommandLine, Namespace } from "./namespace.ts";

export interface UplinkOptions {
  /** `own`: the near namespace is that of this process, which must be a fresh one. Default: a new one. */
  readonly near?: "own";
  /** Makes the link between near and the line, where delay belongs. Default: a veth pair. */
  readonly link?: MakeLink;
}

/** One end of a link: a device in a namespace. */
export interface LinkEnd {
  readonly namespace: Namespace;
  readonly device: string;
}

/** Makes a device at each end, down and without addresses; what goes into one comes out of the other. */
export type MakeLink = (ends: readonly [LinkEnd, LinkEnd], signal: AbortSignal) => Promise<Link>;

/** What joins two namespaces. */
export interface Link extends AsyncDisposable {
  /** In words, for a report: "a veth pair". */
  readonly kind: string;
}

/**
 * A slow line to the internet: two network namespaces, near (spotlive's side) and far (the ingest's side), and a router
 * between them, which is the bottleneck. The machine's own network is not touched, and nothing is left behind: the
 * namespaces end with the last process in them. Every method rejects with a `Fault`.
 */
export interface Uplink extends AsyncDisposable {
  readonly nearAddress: string;
  readonly farAddress: string;
  /** What joins near and the line, in words. */
  readonly link: string;
  /** The same program, but run in the near namespace. */
  near(command: CommandLine): CommandLine;
  /** The same program, but run in the far namespace. */
  far(command: CommandLine): CommandLine;
  /**
   * Limits what goes from near to far, Ethernet heads included, 64 kbit/s to 1 Gbit/s; undefined: no limit.
   * `queueBytes` may wait before packets are dropped: 60 kB is a good line, 1 MB one with bufferbloat.
   */
  setRate(bitsPerSecond: number | undefined, queueBytes?: number): Promise<void>;
  /** Loses this share of the packets from near to far, 0 to 100. 100 is a black hole; `down` is a cable pulled out. */
  setLoss(percent: number): Promise<void>;
  /** Takes near's device down: its route is gone too, and connecting fails at once. */
  down(): Promise<void>;
  up(): Promise<void>;
  /** Sets `net.ipv4.tcp_notsent_lowat` and the like in the near namespace; sockets opened before may keep the old value. */
  setSysctl(name: string, value: string | number): Promise<void>;
  /** For near's next connections: `cubic`, `reno`, `bbr`. By the route, as the kernel refuses some as a sysctl. */
  setCongestionControl(name: string): Promise<void>;
}

// Ranges for documentation, nobody's addresses (RFC 5737).
const nearAddress = "198.51.100.1";
const nearRouter = "198.51.100.254";
const farAddress = "203.0.113.1";
const farRouter = "203.0.113.254";

const uplinkDevice = "uplink"; // in near
const toNear = "to-near"; // on the line
const toFar = "to-far"; // on the line
const farDevice = "line"; // in far

const defaultQueueBytes = 60_000;
const leastBurstBytes = 5000;
const burstsPerSecond = 100;
const lossSteps = 10_000;

/**
 * Opens an uplink without limits. The bottleneck is a router and not near's own device, as with a modem: TCP keeps the
 * queue of a device of its own machine short, so that a bloated one could not be shown there.
 * Throws a `Fault` that says what could not be done or what is missing.
 */
export async function openUplink(options: UplinkOptions, signal: AbortSignal): Promise<Uplink> {
  await using stack = new AsyncDisposableStack();
  const near = stack.use(options.near === "own" ? ownNamespace : await openNamespace(signal));
  const line = stack.use(await openNamespace(signal, near));
  const far = stack.use(await openNamespace(signal, near));
  const makeLink = options.link ?? makeVethPair;
  const link = stack.use(await makeLink([end(near, uplinkDevice), end(line, toNear)], signal));
  stack.use(await makeVethPair([end(line, toFar), end(far, farDevice)], signal));

  const run = (namespace: Namespace, command: CommandLine, input = ""): Promise<string> =>
    runInside(namespace, command, { purpose: "setting up the uplink", input }, signal);
  const ip = (namespace: Namespace, ...lines: readonly string[]): Promise<string> =>
    run(namespace, [ipProgram(), "-batch", "-"], `${lines.join("\n")}\n`);
  const setSysctl = (namespace: Namespace, name: string, value: string | number): Promise<string> => {
    if (!/^net(\.\w+)+$/.test(name)) throw new Fault("malformed", `expected net.ipv4.NAME, got ${name}`);
    return run(namespace, ["tee", `/proc/sys/${name.replaceAll(".", "/")}`], String(value));
  };

  await ip(line, ...bring(toNear, `${nearRouter}/24`), ...bring(toFar, `${farRouter}/24`));
  await ip(
    far,
    "link set dev lo up",
    ...bring(farDevice, `${farAddress}/24`),
    `route add default via ${farRouter}`,
  );
  await setSysctl(line, "net.ipv4.ip_forward", 1);
  await ip(near, "link set dev lo up", ...bring(uplinkDevice, `${nearAddress}/24`));
  let route = `route replace default via ${nearRouter} dev ${uplinkDevice}`;
  await ip(near, route);
  let limited = false;

  const held = stack.move();
  return {
    nearAddress,
    farAddress,
    link: link.kind,
    near: near.enter,
    far: far.enter,
    async setRate(bitsPerSecond, queueBytes = defaultQueueBytes) {
      if (bitsPerSecond !== undefined) {
        const burst = Math.max(leastBurstBytes, Math.ceil(bitsPerSecond / 8 / burstsPerSecond));
        const bucket = [
          "rate",
          `${bitsPerSecond}bit`,
          "burst",
          `${burst}`,
          "limit",
          `${queueBytes}`,
        ] as const;
        await run(line, [tcProgram(), "qdisc", "replace", "dev", toFar, "root", "tbf", ...bucket]);
      } else if (limited) await run(line, [tcProgram(), "qdisc", "del", "dev", toFar, "root"]);
      limited = bitsPerSecond !== undefined;
    },
    async setLoss(percent) {
      await run(line, [systemProgram("nft", "nftables"), "-f", "-"], lossRules(percent));
    },
    async down() {
      await ip(near, `link set dev ${uplinkDevice} down`);
    },
    async up() {
      await ip(near, `link set dev ${uplinkDevice} up`, route);
    },
    async setSysctl(name, value) {
      await setSysctl(near, name, value);
    },
    async setCongestionControl(name) {
      const routeWithIt = `route replace default via ${nearRouter} dev ${uplinkDevice} congctl ${name}`;
      await ip(near, routeWithIt);
      route = routeWithIt;
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** Tries whether `openUplink` works on this machine, for this user: gives undefined, or why not. */
export async function whyNoUplink(signal: AbortSignal): Promise<string | undefined> {
  try {
    await using uplink = await openUplink({}, signal);
    await uplink.setRate(1_000_000);
    return undefined;
  } catch (error) {
    const { message } = toFault(error);
    const asRoot = process.geteuid?.() === 0 ? "" : ", and many systems give them to root alone";
    return `This machine makes no network namespaces for us (${message})${asRoot}.`;
  }
}

/** Joins two namespaces by a pair of virtual Ethernet devices. */
export async function makeVethPair([a, b]: readonly [LinkEnd, LinkEnd], signal: AbortSignal): Promise<Link> {
  const peer = ["peer", "name", b.device, "netns", `${b.namespace.pid}`] as const;
  const command = [ipProgram(), "link", "add", "name", a.device, "type", "veth", ...peer] as const;
  await runInside(a.namespace, command, { purpose: "joining two network namespaces" }, signal);
  return { kind: "a veth pair", [Symbol.asyncDispose]: () => Promise.resolve() };
}

function end(namespace: Namespace, device: string): LinkEnd {
  return { namespace, device };
}

/** One segment a packet, as on a wire: otherwise TCP hands over up to 64 kB at once, which are lost or queued together. */
function bring(device: string, address: string): readonly string[] {
  return [`address add ${address} dev ${device}`, `link set dev ${device} up gso_max_segs 1`];
}

function lossRules(percent: number): string {
  const hits = Math.round((percent / 100) * lossSteps);
  const rule = `iifname "${toNear}" numgen random mod ${lossSteps} <= ${hits - 1} drop`;
  const hook = "type filter hook forward priority 0";
  const words = [
    "table ip uplink {}", // what is deleted must exist
    "delete table ip uplink",
    `table ip uplink {\nchain forward {\n${hook}\n${hits > 0 ? rule : ""}\n}\n}`,
  ];
  return `${words.join("\n")}\n`;
}

const ipProgram = (): string => systemProgram("ip", "iproute2");
const tcProgram = (): string => systemProgram("tc", "iproute2");
