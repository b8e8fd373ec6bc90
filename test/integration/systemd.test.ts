import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createSystemdSurface } from "../../src/control/systemd.ts";
import type { SystemdOptions } from "../../src/control/systemd.ts";
import type { Status } from "../../src/domain/status.ts";
import { createMemoryLine, fullStatus, idleStatus } from "../unit/control/http/memory-line.ts";
import type { MemoryLine } from "../unit/control/http/memory-line.ts";
import { ownChildren } from "../helpers/processes.ts";

/** What systemd does with its socket: every datagram becomes a line, its variables with a tab between them. */
const listener = `use Socket; $| = 1;
socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die; bind($socket, pack_sockaddr_un($ARGV[0])) or die;
print "listening\\n";
while (defined recv($socket, my $message, 4096, 0)) { $message =~ tr/\\n/\\t/; print "$message\\n"; }`;

let folder: string;
let notifySocket: string;
let systemd: ChildProcess;
let messages: string[];
let line: MemoryLine;
let controller: AbortController;
let running: Promise<void>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "systemd-"));
  notifySocket = join(folder, "notify");
  systemd = spawn("perl", ["-e", listener, notifySocket], { stdio: ["ignore", "pipe", "inherit"] });
  messages = [];
  if (systemd.stdout === null) throw new Error("no output");
  const lines = createInterface({ input: systemd.stdout });
  await once(lines, "line");
  // systemd-notify says when it has finished by a file descriptor, in a message of its own.
  lines.on("line", (text) => void (text === "BARRIER=1" || messages.push(text)));
  process.env["NOTIFY_SOCKET"] = notifySocket; // the program systemd-notify inherits it
  line = createMemoryLine();
  controller = new AbortController();
  running = Promise.resolve();
});
afterEach(async () => {
  controller.abort();
  await running;
  delete process.env["NOTIFY_SOCKET"];
  systemd.kill();
  await rm(folder, { recursive: true });
});

function start(options: Partial<SystemdOptions> = {}): void {
  running = createSystemdSurface({ notifySocket, watchdogUsec: undefined, stallMs: 20_000, ...options })(
    line.context,
    controller.signal,
  );
}

function setPhase(status: Status): void {
  line.status = status;
  line.report({ type: "phase", phase: status.phase, reason: status.reason });
}

const all = (): string => messages.join("\n");
const heard = async (text: string): Promise<void> =>
  vi.waitFor(() => expect(all()).toContain(text), { timeout: 20_000 });
const pings = (): number => messages.filter((message) => message.includes("WATCHDOG=1")).length;
const moved = (pictures: number): Status => ({
  ...fullStatus,
  source: { ...fullStatus.source, counters: { ...fullStatus.source.counters, units: pictures } },
  outputs: fullStatus.outputs.map((output) => ({
    ...output,
    counters: { ...output.counters, units: pictures },
  })),
});

describe("the messages to systemd", () => {
  it("are READY once, STATUS after every phase, and STOPPING at the end", async () => {
    start();
    await heard("STATUS=idle: Nothing was started yet.");
    setPhase({ ...idleStatus, phase: "starting", desired: "live", reason: "Waiting for the clock." });
    await heard("STATUS=starting: Waiting for the clock.");
    setPhase({ ...idleStatus, phase: "retrying", desired: "live", reason: "The robot does not answer." });
    await heard("STATUS=retrying: The robot does not answer.");
    setPhase(fullStatus);
    await heard("STATUS=live: Live on main.");
    controller.abort();
    await running;
    await heard("STOPPING=1");
    expect(all().match(/READY=1/g)).toHaveLength(1);
    expect(messages[0]).toContain("READY=1");
    expect(all()).not.toContain("WATCHDOG");
    expect(line.lines).toEqual([]);
  });

  it("never let a text from outside pass for a message", async () => {
    start();
    await heard("READY=1");
    setPhase({ ...idleStatus, reason: `No.\nWATCHDOG=1\r\nMAINPID=1 ${"x".repeat(9000)}` });
    await heard("No. WATCHDOG=1 MAINPID=1 x");
    expect(messages.at(-1)).toMatch(
      new RegExp(`^STATUS=idle: No\\. WATCHDOG=1 MAINPID=1 x+\tMAINPID=${process.pid}$`),
    );
  });

  it("skip what changes faster than it can be told, and end with the newest", async () => {
    start();
    await heard("READY=1");
    for (let count = 0; count <= 500; count += 1) setPhase({ ...idleStatus, reason: `Reason ${count}.` });
    await heard("Reason 500.");
    expect(messages.length).toBeLessThan(6);
  });

  it("are none where no systemd waits", async () => {
    start({ notifySocket: undefined, watchdogUsec: 30_000 });
    await running;
    expect(messages).toEqual([]);
  });

  it("that cannot be sent are a warning, and the surface goes on", async () => {
    process.env["NOTIFY_SOCKET"] = join(folder, "nobody");
    start();
    await vi.waitFor(() => expect(line.lines.join("")).toContain("could not be told"), { timeout: 20_000 });
    process.env["NOTIFY_SOCKET"] = notifySocket;
    setPhase({ ...idleStatus, reason: "Another." });
    await heard("STATUS=idle: Another.");
  });
});

describe("the watchdog", () => {
  const watchdogUsec = 300_000;

  it("is fed while nothing is wanted, and while the line waits", async () => {
    start({ watchdogUsec, stallMs: 1 });
    await vi.waitFor(() => expect(pings()).toBeGreaterThan(2), { timeout: 20_000 });
    setPhase({ ...idleStatus, phase: "retrying", desired: "live" });
    const before = pings();
    await vi.waitFor(() => expect(pings()).toBeGreaterThan(before + 2), { timeout: 20_000 });
  });

  it("is fed while pictures pass, no longer when they stop though the process lives, and again when they come", async () => {
    let pictures = 0;
    line.status = moved(0);
    const camera = setInterval(() => (line.status = moved((pictures += 1))), 20);
    start({ watchdogUsec, stallMs: 400 });
    await vi.waitFor(() => expect(pings()).toBeGreaterThan(3), { timeout: 20_000 });
    clearInterval(camera);
    await vi.waitFor(() => expect(line.lines.join("")).toContain("The line stands still"), {
      timeout: 20_000,
    });
    await heard("WATCHDOG=1");
    const before = pings();
    setPhase({ ...line.status, reason: "Still alive." });
    await heard("Still alive."); // the process lives and tells, a second later
    setPhase({ ...line.status, reason: "Alive and well." });
    await heard("Alive and well.");
    expect(pings()).toBeLessThanOrEqual(before + 1); // one may have been on its way
    line.status = moved((pictures += 1));
    await vi.waitFor(() => expect(pings()).toBeGreaterThan(before + 1), { timeout: 20_000 });
  });

  it("leaves no process behind when it ends", async () => {
    start({ watchdogUsec });
    await vi.waitFor(() => expect(pings()).toBeGreaterThan(0), { timeout: 20_000 });
    const since = performance.now();
    controller.abort();
    await running;
    expect(performance.now() - since).toBeLessThan(2000);
    await heard("STOPPING=1");
    expect(ownChildren().map(({ pid }) => pid)).toEqual([systemd.pid]);
  });
});
