import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createJournal, describeCommand } from "../../../src/control/journal.ts";
import type { JournalEntry } from "../../../src/control/journal.ts";
import type { Command, CommandRequest, Result } from "../../../src/domain/command.ts";
import { createMask } from "../../../src/lib/log.ts";
import { idleStatus } from "./http/memory-line.ts";

const accept = ({ id }: CommandRequest): Promise<Result> =>
  Promise.resolve({ ok: true, id, status: idleStatus });
const refuse = ({ id }: CommandRequest): Promise<Result> =>
  Promise.resolve({
    ok: false,
    id,
    fault: { code: "locked", message: "The camera is locked.", retryable: false },
  });

describe("the journal", () => {
  it("tells what happened in the words of the log, the newest first", () => {
    const journal = createJournal(createMask(), () => 1000);
    const fault = { code: "output-closed", message: "The server closed.", retryable: true } as const;
    journal.note({ type: "phase", phase: "live", reason: "Live on main." });
    journal.note({ type: "output", name: "main", state: "waiting", fault, retryInMs: 500 });
    journal.note({ type: "output", name: "main", state: "failed", fault });
    journal.note({
      type: "output-queue",
      name: "main",
      queue: { units: 1, bytes: 1, milliseconds: 1, droppedUnits: 0 },
    });
    expect(journal.events).toEqual([
      { t: 1000, type: "output", severity: "error", text: "output/main: The server closed." },
      { t: 1000, type: "output", severity: "warning", text: "output/main: The server closed." },
      { t: 1000, type: "phase", severity: "info", text: "Live on main." },
    ]);
  });

  it("holds no secret", () => {
    const mask = createMask();
    const journal = createJournal(mask);
    mask.add("live_12345");
    journal.note({ type: "notice", part: "x", severity: "warning", text: "rtmp://host/live_12345 is gone" });
    expect(journal.events).toMatchObject([{ text: "rtmp://host/*** is gone" }]);
  });

  it("tells who asked for what and what came of it, but not who only looked", async () => {
    const journal = createJournal(createMask(), () => 1000);
    await journal.watch(accept)({ id: "a", command: { kind: "start" }, origin: "http", by: "ann" });
    await journal.watch(accept)({ id: "b", command: { kind: "status" }, origin: "http" });
    await journal.watch(refuse)({ id: "c", command: { kind: "keyframe" }, origin: "cli" });
    expect(journal.audit).toEqual([
      { t: 1000, origin: "cli", by: null, command: "keyframe", ok: false, text: "The camera is locked." },
      { t: 1000, origin: "http", by: "ann", command: "start", ok: true, text: "" },
    ]);
  });

  it("passes requests and results on as they are", async () => {
    const journal = createJournal(createMask());
    const request: CommandRequest = { id: "a", command: { kind: "start" }, origin: "http" };
    expect(await journal.watch(refuse)(request)).toEqual(await refuse(request));
  });

  it("tells of every new entry until nobody listens", async () => {
    const journal = createJournal(createMask(), () => 1000);
    const controller = new AbortController();
    const entries: JournalEntry[] = [];
    journal.subscribe((entry) => entries.push(entry), controller.signal);
    journal.note({ type: "phase", phase: "idle", reason: "One." });
    await journal.watch(accept)({ id: "a", command: { kind: "stop" }, origin: "mqtt" });
    controller.abort();
    journal.note({ type: "phase", phase: "idle", reason: "Two." });
    expect(entries).toEqual([{ event: journal.events[1] }, { audit: journal.audit[0] }]);
  });

  it("forgets the oldest, and cuts what is long", async () => {
    const journal = createJournal(createMask());
    for (let count = 1; count <= 300; count += 1) {
      const text = `${count} ${"x".repeat(1000)}`;
      journal.note({ type: "notice", part: "x", severity: "info", text });
      await journal.watch(accept)({ id: text, command: { kind: "clip", seconds: count }, origin: "chat" });
    }
    expect([journal.events.length, journal.audit.length]).toEqual([200, 200]);
    expect(journal.events[0]?.text).toMatch(/^300 x{496}$/);
    expect(journal.audit.at(-1)?.command).toBe("clip seconds 101");
  });

  it("takes any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 400 }), (text) => {
        const journal = createJournal(createMask());
        journal.note({ type: "notice", part: text, severity: "info", text });
        expect(journal.events).toHaveLength(1);
      }),
    );
  });
});

describe("a command in short", () => {
  it.each<[Command, string]>([
    [{ kind: "start" }, "start"],
    [{ kind: "clip", seconds: 30 }, "clip seconds 30"],
    [
      { kind: "set", change: { bitrateCap: null, destinations: ["a", "b"] } },
      "set bitrateCap none destinations a,b",
    ],
    [
      { kind: "camera", action: { kind: "look", pan: -10, tilt: 0, zoom: 1 } },
      "camera look pan -10 tilt 0 zoom 1",
    ],
    [{ kind: "camera", action: { kind: "goto", position: { pan: 90 } } }, "camera goto pan 90"],
    [{ kind: "camera", action: { kind: "preset", name: "door" } }, "camera preset door"],
  ])("%j is %j", (command, text) => {
    expect(describeCommand(command)).toBe(text);
  });
});
