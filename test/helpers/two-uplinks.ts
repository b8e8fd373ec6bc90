import { once } from "node:events";
import { createInterface } from "node:readline";
import type { KeepUplinksOptions } from "../../src/device/uplinks/keep-uplinks.ts";
import { startChild } from "../../src/lib/child.ts";
import { openNamespace, runInside, systemProgram } from "../../src/simulator/namespace.ts";
import type { CommandLine, Namespace } from "../../src/simulator/namespace.ts";
import { makeVethPair } from "../../src/simulator/uplink.ts";
import { eventually } from "./eventually.ts";
import { answerWith, whoAnswers } from "./sides.ts";

/** What is asked for in the internet. */
export const ingest = "203.0.113.10";

export const uplinkNames = ["wlan0", "usb0"] as const;
export type UplinkName = (typeof uplinkNames)[number];

/**
 * A device with a robot on eth0 and two uplinks, each by a router of its own to one internet. wlan0 has the better
 * metric. All in namespaces that end with the test.
 */
export interface TwoUplinks extends AsyncDisposable {
  readonly device: Namespace;
  readonly internet: Namespace;
  /** Cuts what is behind the router of an uplink: the device's own link stays up. */
  cut(name: UplinkName): Promise<void>;
  mend(name: UplinkName): Promise<void>;
  /** Takes the device's own link down; gone is what the kernel then takes away, as if it were unplugged. */
  unplug(name: UplinkName): Promise<void>;
  /** As a DHCP client does. */
  plug(name: UplinkName): Promise<void>;
  /** Which uplink a new connection to the internet takes; `nobody` where there is no answer. */
  way(): Promise<UplinkName | "nobody">;
  ip(...argv: readonly string[]): Promise<string>;
}

const purpose = "making two uplinks";
const net = (index: number): string => `10.${index + 1}.0`;

export async function openTwoUplinks(signal: AbortSignal): Promise<TwoUplinks> {
  await using stack = new AsyncDisposableStack();
  const device = stack.use(await openNamespace(signal));
  const internet = stack.use(await openNamespace(signal, device));
  const ip = (where: Namespace, ...argv: readonly string[]): Promise<string> =>
    runInside(where, [systemProgram("ip", "iproute2"), ...argv], { purpose }, signal);
  const batch = (where: Namespace, ...lines: readonly string[]): Promise<string> =>
    runInside(
      where,
      [systemProgram("ip", "iproute2"), "-batch", "-"],
      { purpose, input: lines.join("\n") },
      signal,
    );
  // The strictest that a system may be set to.
  const strict = { purpose, input: "1" };
  await runInside(device, ["tee", "/proc/sys/net/ipv4/conf/all/rp_filter"], strict, signal);
  await batch(internet, "link set lo up", `address add ${ingest}/32 dev lo`, "address add 1.1.1.1/32 dev lo");
  await batch(
    device,
    "link set lo up",
    "link add eth0 type veth peer name robot",
    "address add 192.168.50.10/24 dev eth0",
    "link set eth0 up",
    "link set robot up",
  );
  const routers: Namespace[] = [];
  const plug = (name: UplinkName): Promise<string> => {
    const index = uplinkNames.indexOf(name);
    return batch(
      device,
      `link set ${name} up`,
      `address replace ${net(index)}.5/24 dev ${name}`,
      `route replace default via ${net(index)}.1 dev ${name} proto dhcp src ${net(index)}.5 metric ${600 + 100 * index}`,
    );
  };
  for (const [index, name] of uplinkNames.entries()) {
    const router = stack.use(await openNamespace(signal, device));
    routers.push(router);
    await makeVethPair(
      [
        { namespace: device, device: name },
        { namespace: router, device: "lan" },
      ],
      signal,
    );
    await makeVethPair(
      [
        { namespace: router, device: "wan" },
        { namespace: internet, device: name },
      ],
      signal,
    );
    // As providers do, each refuses what comes with the address of another one.
    for (const name of ["ip_forward", "conf/all/rp_filter"])
      await runInside(router, ["tee", `/proc/sys/net/ipv4/${name}`], { purpose, input: "1" }, signal);
    const [near, far] = [`172.16.${index}.1`, `172.16.${index}.2`];
    await batch(
      router,
      ...[`address add ${net(index)}.1/24 dev lan`, "link set lan up"],
      ...[`address add ${near}/24 dev wan`, "link set wan up", `route add default via ${far}`],
    );
    await batch(
      internet,
      ...[`address add ${far}/24 dev ${name}`, `link set ${name} up`],
      `route add ${net(index)}.0/24 via ${near}`,
    );
    await plug(name);
  }
  stack.use(await answerWith("", internet, signal));
  const routerOf = (name: UplinkName): Namespace => routers[uplinkNames.indexOf(name)] ?? device;
  const held = stack.move();
  return {
    device,
    internet,
    ip: (...argv) => ip(device, ...argv),
    // A rule and not a link that is down: the router goes on saying nothing at all.
    cut: async (name) => void (await ip(routerOf(name), "route", "add", "blackhole", "203.0.113.0/24")),
    mend: async (name) => void (await ip(routerOf(name), "route", "del", "blackhole", "203.0.113.0/24")),
    unplug: async (name) => void (await ip(device, "link", "set", name, "down")),
    plug: async (name) => void (await plug(name)),
    async way() {
      const from = await whoAnswers(ingest, device, signal);
      return uplinkNames.find((_, index) => from === `${net(index)}.5`) ?? "nobody";
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** One that looks after the uplinks, in the device. Disposal ends it as systemd does. */
export interface Keeper extends AsyncDisposable {
  /** What it has told, a line each. */
  readonly told: readonly string[];
  /** Resolves when it has told something like this. */
  hears(text: RegExp): Promise<void>;
}

const keepUplinks = new URL("../../src/device/uplinks/keep-uplinks.ts", import.meta.url).href;

/** Runs `keepUplinks` in a namespace, which a part of this process cannot enter. */
export async function startKeeper(
  device: Namespace,
  options: Omit<KeepUplinksOptions, "tell">,
  signal: AbortSignal,
): Promise<Keeper> {
  const script = `import { keepUplinks } from ${JSON.stringify(keepUplinks)};
    const controller = new AbortController();
    process.on("SIGTERM", () => controller.abort());
    const tell = (severity, text) => console.log(severity + ": " + text);
    console.log("begins");
    await keepUplinks({ ...${JSON.stringify(options)}, tell }, controller.signal);
    process.exit();`;
  // The one right of root's that its unit leaves it.
  const rights = ["setpriv", "--no-new-privs", "--bounding-set=-all,+net_admin", "--inh-caps=-all"] as const;
  const command: CommandLine = [...rights, process.execPath, "--input-type=module-typescript", "-e", script];
  const [program, ...argv] = device.enter(command);
  const child = await startChild(program, argv, signal, {
    purpose: "looking after the uplinks",
    graceMs: 10_000,
  });
  const told: string[] = [];
  const lines = createInterface({ input: child.stdout }).on("line", (line) => told.push(line));
  await Promise.race([once(lines, "line"), child.done]);
  return {
    told,
    hears: (text) => eventually(() => told.some((line) => text.test(line))),
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
