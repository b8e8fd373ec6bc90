import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { usualPolicy } from "../../src/device/uplinks/health.ts";
import type { HealthPolicy } from "../../src/device/uplinks/health.ts";
import { startChild } from "../../src/lib/child.ts";
import type { Child } from "../../src/lib/child.ts";
import type { Namespace } from "../../src/simulator/namespace.ts";
import { whyNoUplink } from "../../src/simulator/uplink.ts";
import { port } from "../helpers/sides.ts";
import { ingest, openTwoUplinks, startKeeper, uplinkNames } from "../helpers/two-uplinks.ts";
import type { Keeper, TwoUplinks } from "../helpers/two-uplinks.ts";

const { signal } = new AbortController();
const reason = await whyNoUplink(signal);
if (reason !== undefined) console.warn(`Tests of the uplinks are skipped. ${reason}`);

const quick: HealthPolicy = {
  ...usualPolicy,
  ...{ everyMs: 300, standbyMs: 600, againMs: 200, trialMs: 1500, longestTrialMs: 60_000 },
};

describe.skipIf(reason !== undefined)("two uplinks", () => {
  let line: TwoUplinks;
  beforeEach(async () => {
    line = await openTwoUplinks(signal);
  });
  afterEach(() => line[Symbol.asyncDispose]());

  const keep = (changes: { readonly policy?: HealthPolicy } = {}): Promise<Keeper> =>
    startKeeper(
      line.device,
      {
        ...{ robotInterface: "eth0", uplinks: uplinkNames, limitMs: 1000, policy: quick },
        ...{ targets: [{ host: ingest, port, tls: false }], ...changes },
      },
      signal,
    );
  /** Resolves when new connections take this way. */
  const goesOver = async (way: Awaited<ReturnType<TwoUplinks["way"]>>): Promise<void> => {
    await expect.poll(line.way, { timeout: 30_000, interval: 100 }).toBe(way);
  };
  const rules = async (): Promise<string> =>
    `${await line.ip("rule")}${await line.ip("-4", "route", "show", "table", "all")}`.replaceAll(
      / *\n/g,
      "\n",
    );

  it("would not be changed by themselves while the link is up", async () => {
    await line.cut("wlan0");
    expect(await line.way()).toBe("nobody");
  });

  it("take turns: the traffic moves when one loses the internet behind its router, and back", async () => {
    await using keeper = await keep();
    await keeper.hears(/usb0 carries the internet/);
    expect(await line.way()).toBe("wlan0");
    const cutAt = performance.now();
    await line.cut("wlan0");
    await goesOver("usb0");
    expect(performance.now() - cutAt).toBeLessThan(10_000);
    await keeper.hears(/wlan0 does not carry the internet: 203\.0\.113\.10:8080 does not answer within 1 s/);
    const mendedAt = performance.now();
    await line.mend("wlan0");
    await goesOver("wlan0");
    expect(performance.now() - mendedAt).toBeGreaterThan(1400);
    expect(keeper.told.slice(keeper.told.findIndex((text) => text.includes("not carry")))).toEqual([
      "warning: wlan0 does not carry the internet: 203.0.113.10:8080 does not answer within 1 s. It is used again when it has answered for 2 s.",
      "info: The traffic for the internet goes over usb0.",
      "info: wlan0 carries the internet again: 203.0.113.10:8080 answers.",
      "info: The traffic for the internet goes over wlan0.",
    ]);
  });

  it("leave a connection where it was begun", async () => {
    await using keeper = await keep();
    await keeper.hears(/usb0 carries the internet/);
    await line.cut("wlan0");
    await goesOver("usb0");
    await using talk = await openTalk(line);
    expect(await talk.say("a")).toBe("a");
    await line.mend("wlan0");
    await goesOver("wlan0");
    expect(await talk.say("b")).toBe("b");
  });

  it("come and go", async () => {
    await using keeper = await keep();
    await keeper.hears(/usb0 carries the internet/);
    await line.unplug("wlan0");
    await goesOver("usb0");
    await line.unplug("usb0");
    await keeper.hears(/There is no uplink at all/);
    await line.plug("usb0");
    await goesOver("usb0");
    await line.plug("wlan0");
    await goesOver("wlan0");
  });

  it("stay as they are when the other end is away for both", async () => {
    await using keeper = await keep();
    await keeper.hears(/usb0 carries the internet/);
    await line.cut("usb0");
    await keeper.hears(/usb0 does not carry/);
    await line.cut("wlan0");
    await keeper.hears(/wlan0 does not carry/);
    expect(await line.ip("route", "get", ingest)).toContain("dev wlan0");
    await line.mend("usb0");
    await goesOver("usb0");
  });

  it("do not mind that the system makes its routes anew, or takes ours away", async () => {
    await using keeper = await keep();
    await line.cut("wlan0");
    await goesOver("usb0");
    await line.plug("wlan0");
    await line.ip("route", "replace", "default", "via", "10.1.0.1", "dev", "wlan0", "metric", "1");
    expect(await line.way()).toBe("usb0");
    await line.ip("rule", "del", "priority", "5290");
    await goesOver("usb0");
    expect(keeper.told.filter((text) => text.startsWith("warning: ip"))).toEqual([]);
  });

  it("are never helped out by the robot's interface", async () => {
    await line.ip("route", "add", "default", "via", "192.168.50.3", "dev", "eth0", "metric", "1");
    await line.ip("-6", "route", "add", "default", "via", "fe80::1", "dev", "eth0", "metric", "1");
    await using keeper = await keep();
    await keeper.hears(
      /A route to everywhere is on eth0, the robot's interface \(default via 192\.168\.50\.3/,
    );
    await expect.poll(() => line.ip("route", "show", "dev", "eth0")).not.toContain("default");
    await expect.poll(() => line.ip("-6", "route", "show", "dev", "eth0")).not.toContain("default");
    await goesOver("wlan0");
    await line.ip("route", "add", "0.0.0.0/1", "via", "192.168.50.3", "dev", "eth0");
    await expect.poll(() => line.ip("route", "show", "dev", "eth0")).not.toContain("0.0.0.0/1");
  });

  it("are found by names though the system's name server is silent", async () => {
    await using _names = await answerNames(line);
    const targets = [{ host: "ingest.example", port, tls: false }];
    await using keeper = await startKeeper(
      line.device,
      { ...{ robotInterface: "eth0", uplinks: uplinkNames, policy: quick, targets }, limitMs: 1000 },
      signal,
    );
    await keeper.hears(/wlan0 carries the internet: ingest\.example:8080 answers/);
    await line.cut("wlan0");
    await goesOver("usb0");
  });

  it("are left as they were found", async () => {
    const before = await rules();
    {
      await using keeper = await keep();
      await keeper.hears(/usb0 carries the internet/);
      expect(await rules()).not.toBe(before);
    }
    expect(await rules()).toBe(before);
  });

  it("are left alone where there is but one", async () => {
    const before = await rules();
    await using keeper = await startKeeper(
      line.device,
      {
        robotInterface: "eth0",
        uplinks: ["wlan0"],
        targets: [{ host: ingest, port, tls: false }],
        policy: quick,
      },
      signal,
    );
    await line.ip("route", "add", "default", "via", "192.168.50.3", "dev", "eth0", "metric", "1");
    await keeper.hears(/A route to everywhere/);
    await expect.poll(rules).toBe(before);
  });
});

/** A connection into the internet whose other end says everything again. */
interface Talk extends AsyncDisposable {
  say(word: string): Promise<string>;
}

const echoPort = 8081;
const echo = `require("net").createServer((socket) => socket.pipe(socket)).listen(${echoPort}, "0.0.0.0", () => console.log("up"));`;
const talker = `const socket = require("net").connect(${echoPort}, "${ingest}", () => console.log("up"));
process.stdin.pipe(socket).pipe(process.stdout);`;

async function openTalk(line: TwoUplinks): Promise<Talk> {
  await using stack = new AsyncDisposableStack();
  const start = async (
    where: Namespace,
    script: string,
  ): Promise<readonly [Child, AsyncIterator<string>]> => {
    const [program, ...argv] = where.enter([process.execPath, "-e", script]);
    const child = stack.use(await startChild(program, argv, signal, { purpose: "talking" }));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    await lines.next();
    return [child, lines];
  };
  await start(line.internet, echo);
  const [child, lines] = await start(line.device, talker);
  const held = stack.move();
  return {
    async say(word) {
      child.stdin.write(`${word}\n`);
      return String((await lines.next()).value);
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** Knows one IPv4 address for every name, and no other (RFC 1035, 4.1). */
const nameServer = `const socket = require("dgram").createSocket("udp4");
socket.on("message", (query, { port, address }) => {
  const end = query.indexOf(0, 12) + 5;
  const isA = query.readUInt16BE(end - 4) === 1;
  const head = Buffer.from(query.subarray(0, end));
  head.writeUInt16BE(0x8180, 2);
  for (const [at, count] of [[6, isA ? 1 : 0], [8, 0], [10, 0]]) head.writeUInt16BE(count, at);
  const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...${JSON.stringify(ingest.split(".").map(Number))}]);
  socket.send(isA ? Buffer.concat([head, answer]) : head, port, address);
}).bind(53, "1.1.1.1", () => console.log("up"));`;

async function answerNames({ internet }: TwoUplinks): Promise<AsyncDisposable> {
  const [program, ...argv] = internet.enter([process.execPath, "-e", nameServer]);
  const child = await startChild(program, argv, signal, { purpose: "answering for names" });
  await Promise.race([once(child.stdout, "data"), child.done]);
  return child;
}
