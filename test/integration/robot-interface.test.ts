import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startChild } from "../../src/lib/child.ts";
import { openNamespace, runInside } from "../../src/simulator/namespace.ts";
import type { Namespace } from "../../src/simulator/namespace.ts";
import { makeVethPair, whyNoUplink } from "../../src/simulator/uplink.ts";
import { hasSent, spotConfig, startAppliance, startRobotProcess } from "../helpers/appliance.ts";
import type { Appliance, RunningRobot } from "../helpers/appliance.ts";
import { startNginxRtmp } from "../helpers/nginx.ts";
import type { NginxRtmp } from "../helpers/nginx.ts";

const { signal } = new AbortController();
const reason = await whyNoUplink(signal);
if (reason !== undefined) console.warn(`Tests of the robot's interface are skipped. ${reason}`);

const robotAddress = "192.168.50.3";
const small = { width: 320, height: 180, bitrate: 500_000, idrInterval: 15 };

/** A device that is in the same network twice: with the robot, and with a stranger who has the robot's address. */
interface Scene extends AsyncDisposable {
  readonly device: Namespace;
  readonly robot: RunningRobot;
  readonly nginx: NginxRtmp;
  readonly stranger: Namespace;
  ip(...argv: readonly string[]): Promise<string>;
  start(spot?: object): Promise<Appliance>;
}

async function openScene(): Promise<Scene> {
  await using stack = new AsyncDisposableStack();
  const device = stack.use(await openNamespace(signal));
  const sides: Namespace[] = [];
  const batch = (where: Namespace, ...lines: readonly string[]): Promise<string> =>
    runInside(
      where,
      ["ip", "-batch", "-"],
      { purpose: "making two networks", input: lines.join("\n") },
      signal,
    );
  await batch(
    device,
    "link set lo up",
    "link add docker0 type bridge",
    "address add 172.17.0.1/16 dev docker0",
  );
  for (const [index, name] of ["wlan0", "eth0"].entries()) {
    const side = stack.use(await openNamespace(signal, device));
    sides.push(side);
    await makeVethPair(
      [
        { namespace: device, device: name },
        { namespace: side, device: "lan" },
      ],
      signal,
    );
    await batch(side, `address add ${robotAddress}/24 dev lan`, "link set lan up", "link set lo up");
    // Of two equal routes the kernel takes the one with the better metric: the wrong one here.
    await batch(
      device,
      `address add 192.168.50.${77 - index}/24 dev ${name} noprefixroute`,
      `link set ${name} up`,
      `route add 192.168.50.0/24 dev ${name} metric ${600 + index}`,
    );
  }
  await batch(device, `route add ${robotAddress}/32 dev eth0`);
  const [stranger = device, robotSide = device] = sides;
  const robot = stack.use(await startRobotProcess({ ...small, host: robotAddress }, robotSide.enter));
  const nginx = stack.use(await startNginxRtmp({ enter: device.enter }));
  const held = stack.move();
  return {
    ...{ device, robot, nginx, stranger },
    ip: (...argv) => runInside(device, ["ip", ...argv], { purpose: "changing a network" }, signal),
    start: (spot = {}) => {
      const config = spotConfig(robot);
      return startAppliance(
        {
          ...config,
          spot: { ...(config["spot"] as object), interface: "eth0", ...spot },
          outputs: [{ name: "main", url: nginx.url, streamKey: "key" }],
        },
        { enter: device.enter },
      );
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

describe.skipIf(reason !== undefined)("with a WiFi in the robot's own network", () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await openScene();
  });
  afterEach(() => scene[Symbol.asyncDispose]());

  it("the picture comes over the robot's interface, and the clash is told", async () => {
    await using appliance = await scene.start();
    const { notices } = await appliance.until("pictures are sent", hasSent(30));
    expect(notices.join()).toContain(
      "wlan0 (192.168.50.77/24) is in a network with the addresses of the robot on eth0.",
    );
    const sockets = await runInside(
      scene.device,
      ["ss", "--udp", "--all", "--numeric", "--no-header"],
      { purpose: "looking at the sockets" },
      signal,
    );
    const local = sockets.split("\n").flatMap((line) => line.split(/\s+/)[3] ?? []);
    expect(local.filter((address) => !/^192\.168\.50\.76:\d+$/.test(address))).toEqual([]);
    expect(local.length).toBeGreaterThan(0);
  });

  it("a cable that is out is waited for, and nobody else is taken for the robot", async () => {
    // The stranger answers, with another certificate: taken for the robot it would be the end of all attempts.
    await using _stranger = await answerAsStranger(scene);
    await scene.ip("link", "set", "dev", "eth0", "down");
    await using appliance = await scene.start();
    const { source } = await appliance.until("the fault is told", ({ source }) => source.fault !== undefined);
    expect(source.fault).toEqual({
      code: "robot-unreachable",
      retryable: true,
      message:
        "eth0, the interface to the robot, is not there, is down, or has no IPv4 address yet. Check its cable, and spot.interface.",
    });
    await scene.ip("link", "set", "dev", "eth0", "up");
    await scene.ip("route", "replace", "192.168.50.0/24", "dev", "eth0", "metric", "601");
    await scene.ip("route", "replace", `${robotAddress}/32`, "dev", "eth0");
    await appliance.until("pictures are sent", hasSent(30), 60_000);
  });
});

/** Somebody at the robot's address and port, on the side of the WiFi. */
async function answerAsStranger({ stranger, robot }: Scene): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "stranger-"));
  stack.defer(() => rm(folder, { recursive: true }));
  const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
  await promisify(execFile)("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
    ...["-subj", "/CN=stranger", "-days", "2", "-keyout", key, "-out", certificate],
  ]);
  const accept = `${robotAddress}:${robot.up.address.grpcPort}`;
  const [program, ...argv] = stranger.enter([
    ...(["openssl", "s_server", "-accept", accept, "-key", key, "-cert", certificate] as const),
  ]);
  const server = stack.use(await startChild(program, argv, signal, { purpose: "answering as a stranger" }));
  await once(server.stdout, "data"); // ACCEPT
  server.stdout.resume();
  const held = stack.move();
  return { [Symbol.asyncDispose]: () => held.disposeAsync() };
}
