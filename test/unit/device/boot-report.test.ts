import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { createBootMarker } from "../../../src/device/boot-marks.ts";
import { bootReport } from "../../../src/device/boot-report.ts";
import type { Boot } from "../../../src/device/boot-report.ts";
import type { Disk } from "../../../src/device/disk.ts";
import { keepBootReport } from "../../../src/device/report-writer.ts";
import type { Report, Status, StatusEvent } from "../../../src/domain/status.ts";
import { createEventBus } from "../../../src/lib/events.ts";
import { createMask } from "../../../src/lib/log.ts";
import { fastDisk, makeDevice } from "./helpers.ts";

const status: Status = {
  phase: "retrying",
  reason: "The ingest does not answer.",
  desired: "live",
  locked: false,
  settings: { destinations: ["main"], bitrateCap: null, audio: "silent" },
  sinceSeconds: 3,
  source: { name: "spot", state: "running", fps: 30, bitsPerSecond: 8e6 },
  path: "copy",
  outputs: [
    {
      name: "main",
      state: "waiting",
      fault: { code: "output-unreachable", message: "No answer from live.example.org.", retryable: true },
    },
  ],
  health: {
    level: "critical",
    strain: 0,
    items: [
      {
        name: "supply voltage now",
        kind: "undervoltage",
        level: "critical",
        shown: "too low",
        advice: "Use a better power supply.",
      },
      { name: "memory", kind: "memory", level: "ok", shown: "300 MB free", advice: "" },
    ],
  },
  notices: ["The clock was set."],
};
const boot: Boot = {
  id: "3f2a9c01-0000-4000-8000-000000000000",
  poweredOnAt: Date.UTC(2026, 10, 21, 3, 4, 5),
  uptime: 35.25,
  facts: [["Board", "Raspberry Pi 4"]],
  marks: { kernel: 0, ready: 9.5, robot: 12.34 },
  line: { status, progress: { started: 9.1, ingests: {}, links: {} } },
};
const plain = (text: string): string => text;

describe("the boot report", () => {
  it("says in plain words how far it came and what is wrong", () => {
    expect(bootReport(boot, "", plain).split("\r\n")).toEqual([
      "spotlive boot report: what happened at the last power-ons, the newest first.",
      "",
      "=== Power-on 2026-11-21 03:04 UTC (3f2a9c01) ===",
      "Looked at: 35.3 s after power-on",
      "Boot marks: kernel 0.0 s, ready 9.5 s, robot 12.3 s",
      "Now: retrying: The ingest does not answer.",
      "spotlive started: after 9.1 s",
      "Board: Raspberry Pi 4",
      "Supply voltage now: CRITICAL: too low. Use a better power supply.",
      "Robot: running, first connected after 12.3 s",
      "First packet of the picture: NOT YET",
      "Ingest main: waiting, NEVER accepted yet. No answer from live.example.org.",
      "Notice: The clock was set.",
      "",
    ]);
  });

  it("begins before the service does", () => {
    expect(bootReport({ ...boot, line: undefined, marks: { kernel: 0, adopted: 5.1 } }, "", plain)).toContain(
      "Boot marks: kernel 0.0 s, adopted 5.1 s\r\nspotlive: not started yet\r\nBoard: Raspberry Pi 4\r\n",
    );
  });

  it("keeps the last power-ons, each once, the newest first", () => {
    let text = "";
    for (const id of ["a1", "b2", "b2", "c3", "d4", "e5", "f6"])
      text = bootReport({ ...boot, id }, text, plain);
    const ids = [...text.matchAll(/=== Power-on .* \((\w+)\) ===/g)].map(([, id]) => id);
    expect(ids).toEqual(["f6", "e5", "d4", "c3", "b2"]);
    const unset = bootReport({ ...boot, id: "g", poweredOnAt: undefined }, text, plain);
    expect(unset).toContain("=== Power-on at an unknown time, as the clock is not set (unknown) ===");
  });

  it("is bounded, one line a fact, and never holds a secret, whatever it is given", () => {
    const mask = createMask();
    mask.add("canary-7f3a91");
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("x".repeat(390) + " canary-7f3a91", "\n=== Power-on canary-7f3a91", "y".repeat(20_000)),
    );
    fc.assert(
      fc.property(text, text, text, fc.array(text, { maxLength: 40 }), (id, reason, before, notices) => {
        const facts = notices.map((text) => ["Fact", text] as const);
        const result = bootReport(
          {
            ...{ ...boot, id, facts },
            line: {
              status: { ...status, reason, notices },
              progress: { started: 9.1, ingests: {}, links: {} },
            },
          },
          before,
          mask.apply,
        );
        expect(result.length).toBeLessThan(40_000);
        expect(result).not.toContain("canary-7");
        expect(bootReport(boot, result, mask.apply).length).toBeLessThan(40_000);
      }),
    );
  });

  it("notes when each thing was reached first, and leaves what was reached before this run", () => {
    let now = 5;
    const reached: string[] = [];
    const { listen, progress } = createBootMarker(
      () => now,
      (event) => {
        if (event.type === "boot-mark") reached.push(`${event.name} ${event.seconds}`);
      },
    );
    const at = (time: number, event: StatusEvent): void => {
      now = time;
      listen(event);
    };
    const counters = {
      ...{ units: 0, keyframes: 0, bytes: 0, packets: 0, lostPackets: 0, recoveredPackets: 0 },
      ...{ discardedPackets: 0, droppedUnits: 0, restarts: 0, keyframeRequests: 0 },
    };
    at(6, { type: "source", name: "spot", state: "connecting" });
    at(6, { type: "boot-mark", name: "robot", seconds: 4 });
    at(7, { type: "source", name: "spot", state: "running" });
    at(8, { type: "source-progress", name: "spot", counters });
    at(9, { type: "source-progress", name: "spot", counters: { ...counters, packets: 1 } });
    at(10, { type: "output", name: "main", state: "running" });
    at(11, { type: "output", name: "main", state: "running" });
    at(12, { type: "output", name: "main", state: "connecting" });
    expect(reached).toEqual(["first-packet 9", "rtmp-accepted 10"]);
    expect(progress()).toEqual({
      ...{ started: 5, ingests: { main: 10 } },
      links: { "source spot": "running ", "output main": "running " },
    });
  });
});

interface Happened {
  readonly writes: readonly string[];
  readonly notices: readonly string[];
}

describe("keeping the boot report", () => {
  async function keep(disk: Disk, act: (set: (status: Status) => void, happened: Happened) => Promise<void>) {
    await using device = await makeDevice();
    const notices: string[] = [];
    const report: Report = (event) => void (event.type === "notice" && notices.push(event.text));
    let now = status;
    const stop = new AbortController();
    const writes: string[] = [];
    const counted: Disk = {
      ...disk,
      async writeFile(path, content, mode) {
        await disk.writeFile(path, content, mode);
        writes.push(String(content));
      },
    };
    const running = keepBootReport(
      {
        ...{ folder: device.boot, disk: counted, report, mask: plain, everyMs: 5 },
        ...{ uptime: () => 20, now: () => undefined, status: () => now },
        bootId: boot.id,
        facts: () => Promise.resolve([["Board", "x"]] as const),
        subscribe: createEventBus().subscribe,
      },
      stop.signal,
    );
    await act((status) => (now = status), { writes, notices });
    stop.abort();
    await running;
    const text = await readFile(join(device.boot, "boot-report.txt"), "utf8").catch(() => undefined);
    return { writes, notices, text };
  }
  const aWhile = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 40));
  const many = { timeout: 4000, interval: 5 };

  it("writes at a change of stage, and not for what changes all the time", async () => {
    const { writes, text, notices } = await keep(fastDisk, async (set, { writes }) => {
      await vi.waitFor(() => expect(writes.length).toBe(1), many);
      set({ ...status, phase: "starting", sinceSeconds: 9, source: { ...status.source, fps: 29 } });
      await aWhile();
      set({ ...status, phase: "live" });
      await vi.waitFor(() => expect(writes.length).toBe(2), many);
      await aWhile();
    });
    expect(writes.length).toBe(2);
    expect(text).toContain("Now: live");
    expect(notices).toEqual([]);
  });

  it("goes on, and says it once, where the card is full or read-only; and writes when it no longer is", async () => {
    let isFull = true;
    const full: Disk = {
      ...fastDisk,
      async writeFile(path, content, mode) {
        if (isFull) throw new Error("ENOSPC: no space left on device");
        await fastDisk.writeFile(path, content, mode);
      },
    };
    const { notices, text } = await keep(full, async (_, { notices, writes }) => {
      await vi.waitFor(() => expect(notices.length).toBe(1), many);
      await aWhile();
      isFull = false;
      await vi.waitFor(() => expect(writes.length).toBe(1), many);
    });
    expect(notices).toEqual(["boot-report.txt cannot be written: ENOSPC: no space left on device"]);
    expect(text).toContain("Now: retrying");
  });
});
