import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import type { Unit } from "../../../src/domain/media.ts";
import { Secret } from "../../../src/domain/secret.ts";
import type { OutputCounters } from "../../../src/domain/status.ts";
import { createRtmpOutput } from "../../../src/outputs/rtmp.ts";
import { startIngest, type Ingest } from "../../../src/simulator/ingest.ts";
import { videoUnit } from "../../helpers/publish.ts";

const never = new AbortController().signal;
const key = new Secret("live_1_canary");
const sps = Buffer.from("6742c01fda014016e9a808080a00000300020000030079", "hex");
const pps = Buffer.from("68ce3c80", "hex");
const idr = Buffer.concat([Buffer.from("6588840a", "hex"), Buffer.alloc(2000, 7)]);
const slice = Buffer.concat([Buffer.from("419a0255", "hex"), Buffer.alloc(500, 9)]);

/** Pictures as fast as they are taken; after the last one it waits until `done` resolves. */
async function* pictures(count: number, done: Promise<unknown> = Promise.resolve()): AsyncGenerator<Unit> {
  for (let i = 0; i < count; i += 1) yield videoUnit(i % 30 === 0 ? [sps, pps, idr] : [slice], i * 33_333);
  await done;
}

interface Published {
  readonly fault: Fault | undefined;
  readonly counters: OutputCounters | undefined;
}

async function publish(
  ingest: Ingest,
  units: AsyncIterable<Unit> = pictures(90),
  streamKey = key,
  signal = never,
  onCounters: (counters: OutputCounters) => void = () => {},
): Promise<Published> {
  let counters: OutputCounters | undefined;
  const output = createRtmpOutput({
    name: "ingest",
    target: { url: ingest.url, streamKey },
    audio: "silent",
    report: (event) => {
      if (event.type !== "output-progress") return;
      counters = event.counters;
      onCounters(counters);
    },
  });
  try {
    await output.run(units, signal);
    return { fault: undefined, counters };
  } catch (error) {
    if (error instanceof Fault) return { fault: error, counters };
    throw error;
  }
}

describe("the simulated ingest", () => {
  it("takes the right key and finds nothing to mind", async () => {
    await using ingest = await startIngest({ streamKey: key }, never);
    const { fault, counters } = await publish(ingest);
    expect(fault).toBeUndefined();
    expect(counters?.units).toBe(90);
    expect(ingest.report()).toMatchObject({
      connections: 1,
      refused: 0,
      frames: 90,
      keyframes: 3,
      audioUnits: 128,
      sequenceHeaders: 1,
      timestampErrors: 0,
      reorderedFrames: 0,
      audioFromStart: true,
      remarks: [],
    });
  });

  it("closes without a word at a wrong key, as Twitch does", async () => {
    await using ingest = await startIngest({ streamKey: key }, never);
    const { fault } = await publish(ingest, pictures(3), new Secret("live_2_canary"));
    expect(fault?.code).toBe("closed-early");
    expect(fault?.message).not.toContain("canary");
    expect(ingest.report()).toMatchObject({ connections: 0, refused: 1, frames: 0 });
  });

  it("takes the right key with a query behind it", async () => {
    await using ingest = await startIngest({ streamKey: key }, never);
    const { fault } = await publish(ingest, pictures(3), new Secret(`${key.reveal()}?bandwidthtest=true`));
    expect(fault).toBeUndefined();
  });

  it("refuses a key in words, and closes right after publish, when told to", async () => {
    await using ingest = await startIngest({}, never);
    ingest.mode = "refuse-key";
    expect((await publish(ingest)).fault?.code).toBe("key-refused");
    ingest.mode = "close";
    expect((await publish(ingest)).fault?.code).toBe("closed-early");
    ingest.mode = "accept";
    expect((await publish(ingest)).fault).toBeUndefined();
  });

  it("refuses an application that it does not have", async () => {
    await using ingest = await startIngest({ app: "other" }, never);
    const wrong = { ...ingest, url: `rtmp://127.0.0.1:${ingest.port}/app` } as Ingest;
    expect((await publish(wrong)).fault?.code).toBe("publish-refused");
  });

  it("refuses a second publisher with the same key, and no longer when the first is gone", async () => {
    await using ingest = await startIngest({}, never);
    const stop = new AbortController();
    const { promise, resolve } = Promise.withResolvers<void>();
    const first = publish(ingest, pictures(3, promise), key, stop.signal);
    while (ingest.report().frames < 3) await new Promise(setImmediate);
    expect((await publish(ingest)).fault?.code).toBe("key-in-use");
    stop.abort();
    resolve();
    expect((await first).fault).toBeUndefined();
    expect((await publish(ingest)).fault).toBeUndefined();
  });

  it("acknowledges what it receives, or not", async () => {
    await using ingest = await startIngest({}, never);
    const { promise, resolve } = Promise.withResolvers<void>();
    const { counters } = await publish(
      ingest,
      pictures(900, promise),
      key,
      never,
      ({ acknowledgedBytes }) => {
        if (acknowledgedBytes !== undefined) resolve();
      },
    );
    expect(counters?.acknowledgedBytes).toBeGreaterThan(100_000);
    ingest.acknowledge = false;
    expect((await publish(ingest, pictures(900))).counters?.acknowledgedBytes).toBeUndefined();
  });

  it("can drop everything at once", async () => {
    await using ingest = await startIngest({}, never);
    const { promise, resolve } = Promise.withResolvers<void>();
    const run = publish(ingest, pictures(3, promise));
    while (ingest.report().frames < 3) await new Promise(setImmediate);
    ingest.drop();
    expect((await run).fault?.code).toBe("closed-early");
    resolve();
  });

  it("writes what arrives to an FLV file", async () => {
    const directory = await mkdtemp(join(tmpdir(), "spotlive-ingest-"));
    {
      await using ingest = await startIngest({ recordTo: join(directory, "a.flv") }, never);
      await publish(ingest);
      await publish(ingest);
    }
    for (const name of ["a.flv", "a-2.flv"]) {
      const file = await readFile(join(directory, name));
      expect(file.subarray(0, 4).toString("latin1")).toBe("FLV\u0001");
      expect(file.length).toBeGreaterThan(3 * idr.length + 87 * slice.length);
      expect(file.includes("onMetaData")).toBe(true);
      expect(file.includes("@setDataFrame")).toBe(false);
    }
    await rm(directory, { recursive: true });
  });

  it("survives a publisher that does not speak RTMP", async () => {
    await using ingest = await startIngest({}, never);
    await expect(fetch(`http://127.0.0.1:${ingest.port}/`)).rejects.toThrow();
    expect((await publish(ingest)).fault).toBeUndefined();
    expect(ingest.report().remarks[0]).toContain("broke the protocol");
  });

  it("closes with its signal, and says when its port is taken", async () => {
    const stop = new AbortController();
    const ingest = await startIngest({}, stop.signal);
    await expect(startIngest({ port: ingest.port }, never)).rejects.toBeInstanceOf(Fault);
    const { url } = ingest;
    stop.abort();
    await ingest[Symbol.asyncDispose]();
    expect((await publish({ ...ingest, url })).fault?.code).toBe("output-unreachable");
  });
});
