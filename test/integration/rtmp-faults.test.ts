import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Output } from "../../src/domain/media.ts";
import { Secret } from "../../src/domain/secret.ts";
import type { OutputCounters, StatusEvent } from "../../src/domain/status.ts";
import { UnitQueue } from "../../src/lib/queue.ts";
import { createRtmpOutput } from "../../src/outputs/rtmp.ts";
import { startIngest, type Ingest } from "../../src/simulator/ingest.ts";
import { eventually } from "../helpers/eventually.ts";
import { freePort } from "../helpers/nginx.ts";
import { encodeH264, looped, unitsFromAnnexB } from "../helpers/publish.ts";

const never = new AbortController().signal;
const fps = 30;

function outputTo(
  ingest: Ingest,
  stallMs: number,
  onCounters: (counters: OutputCounters) => void = () => {},
): Output {
  const report = (event: StatusEvent): void => {
    if (event.type === "output-progress") onCounters(event.counters);
  };
  const target = { url: ingest.url, streamKey: new Secret("key") };
  return createRtmpOutput({ name: "ingest", target, audio: "silent", stallMs, report });
}

/** Fills the queue faster than the camera would, until `enough`. */
async function fill(queue: UnitQueue, enough: (pushed: number) => boolean): Promise<void> {
  const pictures = looped(await unitsFromAnnexB(await encodeH264({ fps }), fps), fps);
  let pushed = 0;
  for (const picture of pictures) {
    if (enough(pushed)) return;
    queue.push(picture);
    pushed += 1;
    if (pushed % 60 === 0) await sleep(1); // the reader takes what it can
  }
}

async function faultOf(run: Promise<void>): Promise<unknown> {
  try {
    await run;
    return undefined;
  } catch (error) {
    return error;
  }
}

describe("an ingest that is open but not read", () => {
  it("is reported as stalled, and what cannot be sent waits, bounded, where it can be dropped", async () => {
    await using ingest = await startIngest({}, never);
    ingest.mode = "stall";
    const queue = new UnitQueue({ bytes: 4_000_000, milliseconds: 1e9 });
    let mostUnsent = 0;
    const output = outputTo(
      ingest,
      1500,
      ({ unsentBytes }) => (mostUnsent = Math.max(mostUnsent, unsentBytes)),
    );
    let over = false;
    const run = faultOf(output.run(queue, never)).finally(() => (over = true));
    await fill(queue, () => over);
    expect(await run).toMatchObject({ code: "output-stalled" });
    expect(queue.counters.droppedUnits).toBeGreaterThan(0);
    expect(mostUnsent).toBeGreaterThan(0);
    expect(mostUnsent).toBeLessThan(200_000);
    queue.close();
  });

  it("does not keep the output from ending within 2 s", async () => {
    await using ingest = await startIngest({}, never);
    ingest.mode = "stall";
    const queue = new UnitQueue({ bytes: 4_000_000, milliseconds: 1e9 });
    const stop = new AbortController();
    let unsent = 0;
    const run = outputTo(ingest, 60_000, ({ unsentBytes }) => (unsent = unsentBytes)).run(queue, stop.signal);
    await fill(queue, () => unsent > 0);
    const before = performance.now();
    stop.abort();
    await run;
    expect(performance.now() - before).toBeLessThan(5000);
    queue.close();
  });

  it("goes on without loss when it is read again in time", async () => {
    await using ingest = await startIngest({}, never);
    ingest.mode = "stall";
    const queue = new UnitQueue({ bytes: 1e9, milliseconds: 1e9 });
    let unsent = 0;
    const run = outputTo(ingest, 60_000, ({ unsentBytes }) => (unsent = unsentBytes)).run(queue, never);
    await fill(queue, (pushed) => pushed === 3000);
    await eventually(() => unsent > 0);
    ingest.mode = "accept";
    queue.close();
    await run;
    expect(ingest.report()).toMatchObject({ frames: 3000, timestampErrors: 0, remarks: [] });
  });
});

describe("an output without a server", () => {
  it("says that nothing listens there", async () => {
    const port = await freePort();
    const target = { url: `rtmp://127.0.0.1:${port}/app`, streamKey: new Secret("key") };
    const output = createRtmpOutput({ name: "none", target, audio: "none", report: () => {} });
    const queue = new UnitQueue({ bytes: 1, milliseconds: 1 });
    await expect(output.run(queue, never)).rejects.toMatchObject({ code: "output-unreachable" });
  });

  it("stops waiting for it when aborted", async () => {
    const target = { url: `rtmp://127.0.0.1:${await freePort()}/app`, streamKey: new Secret("key") };
    const output = createRtmpOutput({ name: "none", target, audio: "none", report: () => {} });
    const stop = new AbortController();
    const waiting = output.awaitReachable?.(stop.signal);
    stop.abort();
    await expect(waiting).rejects.toThrow();
  });
});
