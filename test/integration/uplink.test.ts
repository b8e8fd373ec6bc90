import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, readdir, readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Fault } from "../../src/domain/fault.ts";
import type { CommandLine } from "../../src/simulator/namespace.ts";
import { openUplink, whyNoUplink } from "../../src/simulator/uplink.ts";
import type { Uplink } from "../../src/simulator/uplink.ts";
import { hasSent, spotConfig, startAppliance, startRobotProcess } from "../helpers/appliance.ts";
import { delayedLink } from "../helpers/delayed-link.ts";
import { startNginxRtmp } from "../helpers/nginx.ts";
import { ownChildren } from "../helpers/processes.ts";

const run = promisify(execFile);
const { signal } = new AbortController();
const reason = await whyNoUplink(signal);
if (reason !== undefined) console.warn(`Tests of the uplink are skipped. ${reason}`);

/** Runs a script to its end and gives what it printed. */
async function script(
  enter: (command: CommandLine) => CommandLine,
  code: string,
  ...words: string[]
): Promise<string> {
  const [program, ...argv] = enter([process.execPath, "-e", code, ...words]);
  return (await run(program, argv)).stdout.trim();
}

/** A script that serves in a namespace; `line` resolves with the next line it prints. */
async function serve(
  enter: (command: CommandLine) => CommandLine,
  code: string,
): Promise<AsyncDisposable & { readonly port: string; line(): Promise<string> }> {
  const [program, ...argv] = enter([process.execPath, "-e", code]);
  const child = spawn(program, argv, { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => String((await lines.next()).value);
  const port = await line();
  return {
    port,
    line,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await once(child, "close");
    },
  };
}

const tcpSink = `require("net").createServer((socket) => {
  let [bytes, first] = [0, 0];
  socket.on("data", (data) => { first ||= performance.now(); bytes += data.length; });
  socket.on("end", () => console.log(bytes * 8 / (performance.now() - first) * 1000));
  socket.end();
}).listen(0, function () { console.log(this.address().port); });`;
const tcpSend = `const [host, port, bytes] = process.argv.slice(1);
const socket = require("net").connect({ host, port, allowHalfOpen: true }, () => socket.end(Buffer.alloc(+bytes)));
socket.on("error", ({ code }) => console.log(code)).on("close", () => process.exit()).resume();
socket.on("finish", () => console.log("sent"));`;

const udpEcho = `const socket = require("dgram").createSocket("udp4");
socket.on("message", (data, { port, address }) => socket.send(data, port, address));
socket.bind(() => console.log(socket.address().port));`;
/** Prints how many of the datagrams came back, and the shortest time that one took, in milliseconds. */
const udpPing = `const [host, port, count] = process.argv.slice(1);
const socket = require("dgram").createSocket("udp4");
let [sent, got, least] = [0, 0, Infinity];
socket.on("message", (data) => { got += 1; least = Math.min(least, performance.now() - +data); });
const timer = setInterval(() => {
  if (sent++ < +count) return socket.send(String(performance.now()), +port, host, () => {});
  clearInterval(timer);
  setTimeout(() => { console.log(JSON.stringify({ got, least })); process.exit(); }, 1000);
}, 1);`;

async function ping(uplink: Uplink, count: number): Promise<{ got: number; least: number }> {
  await using echo = await serve(uplink.far, udpEcho);
  return JSON.parse(
    await script(uplink.near, udpPing, uplink.farAddress, echo.port, String(count)),
  ) as Awaited<ReturnType<typeof ping>>;
}

describe.skipIf(reason !== undefined)("the uplink", () => {
  let uplink: Uplink;
  beforeAll(async () => {
    uplink = await openUplink({}, signal);
  });
  afterAll(() => uplink[Symbol.asyncDispose]());

  it.each([1_500_000, 6_000_000])("carries %d bits per second and no more", async (rate) => {
    await uplink.setRate(rate);
    await using sink = await serve(uplink.far, tcpSink);
    await script(uplink.near, tcpSend, uplink.farAddress, sink.port, String((rate / 8) * 4));
    const measured = Number(await sink.line());
    await uplink.setRate(undefined);
    expect(measured).toBeGreaterThan(rate * 0.85);
    expect(measured).toBeLessThan(rate * 1.15);
  });

  it("loses the share of packets that it is told to lose, and none otherwise", async () => {
    expect((await ping(uplink, 300)).got).toBe(300);
    await uplink.setLoss(20);
    const { got } = await ping(uplink, 1000);
    await uplink.setLoss(100);
    expect((await ping(uplink, 20)).got).toBe(0);
    await uplink.setLoss(0);
    expect((await ping(uplink, 300)).got).toBe(300);
    expect(got).toBeGreaterThan(730);
    expect(got).toBeLessThan(870);
  });

  it("is cut and comes back, with the congestion control it had", async () => {
    await using sink = await serve(uplink.far, tcpSink);
    const send = (): Promise<string> => script(uplink.near, tcpSend, uplink.farAddress, sink.port, "1000");
    await uplink.setCongestionControl("reno");
    await uplink.down();
    expect(await send()).toBe("ENETUNREACH");
    await uplink.up();
    expect(await send()).toBe("sent");
    const [program, ...argv] = uplink.near(["cat", "/proc/net/route"]);
    expect((await run(program, argv)).stdout).toMatch(/^uplink\t00000000\t/m);
  });

  it("sets what the kernel does, on the near side alone, and says what it cannot", async () => {
    const path = "/proc/sys/net/ipv4/tcp_notsent_lowat";
    const outside = await readFile(path, "latin1");
    await uplink.setSysctl("net.ipv4.tcp_notsent_lowat", 32_768);
    const [program, ...argv] = uplink.near(["cat", path]);
    expect((await run(program, argv)).stdout).toBe("32768\n");
    expect(await readFile(path, "latin1")).toBe(outside);
    await expect(uplink.setSysctl("net.ipv4.no_such_name", 1)).rejects.toThrow(Fault);
    await expect(uplink.setSysctl("kernel.hostname", "x")).rejects.toThrow("expected net.ipv4.NAME");
    await expect(uplink.setCongestionControl("psychic")).rejects.toThrow("Unknown tcp congestion");
  });

  it("can be a long one: packets take their time each way", async () => {
    await using long = await openUplink({ link: delayedLink(150) }, signal);
    console.log(`The delay is made by ${long.link}.`);
    await long.setRate(10_000_000);
    const { got, least } = await ping(long, 200);
    expect(got).toBe(200);
    expect(least).toBeGreaterThanOrEqual(300);
    expect(least).toBeLessThan(360);
  });

  it("leaves no process and no namespace behind", async () => {
    const before = ownChildren().map(({ pid }) => pid);
    const gone = await openUplink({ link: delayedLink(10) }, signal);
    const spaces = await Promise.all(
      [gone.near, gone.far].map(async (enter) => {
        const [program, ...argv] = enter(["readlink", "/proc/self/ns/net"]);
        return (await run(program, argv)).stdout.trim();
      }),
    );
    expect(new Set([...spaces, await readlink("/proc/self/ns/net")]).size).toBe(3);
    expect(await namespacesInUse()).toEqual(expect.arrayContaining(spaces));
    await gone[Symbol.asyncDispose]();
    expect(ownChildren().filter(({ pid }) => !before.includes(pid))).toEqual([]);
    const left = await namespacesInUse();
    expect(spaces.filter((space) => left.includes(space))).toEqual([]);
  });

  it("ends with the program that opened it, even if that is killed", async () => {
    const module = new URL("../../src/simulator/uplink.ts", import.meta.url).href;
    const code = `import { openUplink } from "${module}";
      const uplink = await openUplink({}, new AbortController().signal);
      console.log(JSON.stringify([uplink.near(["x"]), uplink.far(["x"])])); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", code]);
    const [data] = (await once(child.stdout, "data")) as [Buffer];
    const pids = (JSON.parse(data.toString()) as string[][]).map((words) => words[2]);
    const namespaces = (): Promise<string[]> =>
      Promise.all(pids.map((pid) => readlink(`/proc/${pid}/ns/net`).catch(() => "none")));
    expect(await namespaces()).not.toContain("none");
    child.kill("SIGKILL");
    await expect.poll(namespaces).toEqual(["none", "none"]);
  });

  it("takes the whole line: robot and appliance near, nginx far, with HLS", async () => {
    await using nginx = await startNginxRtmp({ enter: uplink.far, listen: uplink.farAddress, hls: true });
    await using robot = await startRobotProcess({ width: 320, height: 180, bitrate: 500_000 }, uplink.near);
    const outputs = [{ name: "ingest", kind: "rtmp", url: nginx.url, streamKey: "stream" }];
    const appliance = await startAppliance({ ...spotConfig(robot), outputs }, { enter: uplink.near });
    try {
      await appliance.until("200 pictures are sent", hasSent(200));
      expect(await nginx.stat()).toContain("<name>stream</name>");
      const playlist = await readFile(join(nginx.hlsDirectory, "stream.m3u8"), "utf8");
      expect(playlist).toContain("#EXTINF");
    } finally {
      await appliance[Symbol.asyncDispose]();
    }
    const recording = await nginx.recording("stream");
    expect((await stat(recording)).size).toBeGreaterThan(100_000);
  });
});

/** `net:[...]` of every process there is. */
async function namespacesInUse(): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  return await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/ns/net`).catch(() => "")));
}
