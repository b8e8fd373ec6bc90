import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { describe, expect, it } from "vitest";
import { createJournal } from "../../src/control/journal.ts";
import { createMask } from "../../src/lib/log.ts";
import { startHttp } from "../helpers/http-surface.ts";
import { fullStatus } from "../unit/control/http/memory-line.ts";

const json = async (url: string): Promise<Record<string, unknown>> =>
  (await (await fetch(url)).json()) as Record<string, unknown>;

/** The events of a stream as they come, each with what it carries. */
async function* eventsOf(url: string): AsyncGenerator<readonly [name: string, data: unknown]> {
  const { body } = await fetch(url);
  const lines = createInterface({ input: Readable.fromWeb(body as ReadableStream) });
  let name = "";
  for await (const line of lines) {
    if (line.startsWith("event: ")) name = line.slice(7);
    if (line.startsWith("data: ")) yield [name, JSON.parse(line.slice(6))];
  }
}

async function untilEvent(
  events: AsyncGenerator<readonly [string, unknown]>,
  wanted: string,
): Promise<unknown> {
  for (;;) {
    const { done, value } = await events.next();
    if (done === true) throw new Error(`the stream ended without ${wanted}`);
    if (value[0] === wanted) return value[1];
  }
}

describe("the history", () => {
  it("is kept from the beginning, and the event stream goes on with it", async () => {
    await using http = await startHttp();
    http.line.status = fullStatus;
    const events = eventsOf(`${http.url}/api/events`);
    const first = await untilEvent(events, "sample");
    expect(first).toMatchObject({ fps: 29.9, bitsPerSecond: 4_000_000, capacity: 5_200_000, delayMs: 40 });
    const second = await untilEvent(events, "sample");
    const history = await json(`${http.url}/api/history`);
    expect(history).toMatchObject({ stepSeconds: 1, samples: expect.arrayContaining([first, second]) });
    expect(Math.abs(Number(history["now"]) - Date.now())).toBeLessThan(5000);
  });
});

describe("the journal", () => {
  it("has what was before somebody looked, and the event stream goes on with it", async () => {
    const journal = createJournal(createMask());
    journal.note({ type: "phase", phase: "idle", reason: "Before." });
    await using http = await startHttp({ journal });
    expect(await json(`${http.url}/api/journal`)).toMatchObject({ events: [{ text: "Before." }], audit: [] });
    const events = eventsOf(`${http.url}/api/events`);
    await untilEvent(events, "status");
    const submit = journal.watch(http.line.context.submit);
    await submit({ id: "a", command: { kind: "lock" }, origin: "cli" });
    const entry = await untilEvent(events, "journal");
    expect(entry).toMatchObject({ audit: { origin: "cli", command: "lock", ok: true, by: null } });
    journal.note({ type: "notice", part: "x", severity: "warning", text: "Later." });
    expect(await untilEvent(events, "journal")).toMatchObject({ event: { text: "Later." } });
    const { events: list, audit } = await json(`${http.url}/api/journal`);
    expect(list).toMatchObject([{ text: "Later." }, { text: "Before." }]);
    expect(audit).toHaveLength(1);
  });
});
