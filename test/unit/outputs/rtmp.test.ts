import { describe, expect, it } from "vitest";
import type { Unit, VideoUnit } from "../../../src/domain/media.ts";
import { Secret } from "../../../src/domain/secret.ts";
import { createRtmpOutput } from "../../../src/outputs/rtmp.ts";
import type { RtmpOutputOptions } from "../../../src/outputs/rtmp.ts";
import { startIngest } from "../../../src/simulator/ingest.ts";
import { slice, writePps, writeSps } from "../../helpers/h264-writer.ts";
import { videoUnit } from "../../helpers/publish.ts";

const never = new AbortController().signal;
const streamKey = new Secret("live_1_canary");
const body = (header: number): Uint8Array => slice(header, (bits) => bits.unsigned(32, 0x8888_840a));
const sizes = [writeSps(), writeSps({ widthInMacroblocks: 40, heightInMacroblocks: 23 })];

/** Pictures 0 to 59 of one size, then 60 to 119 of another; an IDR each 30. */
const stream: readonly VideoUnit[] = Array.from({ length: 120 }, (_, i) => {
  const sps = sizes[i < 60 ? 0 : 1] ?? Buffer.alloc(0);
  return videoUnit(i % 30 === 0 ? [sps, writePps(), body(0x65)] : [body(0x41)], i * 33_333);
});

async function* unitsOf(units: readonly Unit[]): AsyncGenerator<Unit> {
  yield* units;
}

const outputTo = (url: string, onSizeChange: RtmpOutputOptions["onSizeChange"]) =>
  createRtmpOutput({
    name: "ingest",
    target: { url, streamKey },
    audio: "silent",
    ...(onSizeChange && { onSizeChange }),
    report: () => {},
  });

describe("an RTMP output whose picture changes its size", () => {
  it("ends the broadcast before the new size, and begins another with it", async () => {
    await using ingest = await startIngest({ streamKey }, never);
    const output = outputTo(ingest.url, "republish");
    await output.run(unitsOf(stream), never);
    expect(ingest.report()).toMatchObject({ connections: 1, frames: 60, sequenceHeaders: 1 });
    await output.run(unitsOf(stream.slice(60)), never);
    expect(ingest.report()).toMatchObject({ connections: 2, frames: 120, sequenceHeaders: 2 });
  });

  it.each(["inband", undefined] as const)(
    "goes on in the same broadcast with a new header: %s",
    async (how) => {
      await using ingest = await startIngest({ streamKey }, never);
      await outputTo(ingest.url, how).run(unitsOf(stream), never);
      expect(ingest.report()).toMatchObject({ connections: 1, frames: 120, sequenceHeaders: 2 });
    },
  );
});

describe("an RTMP output's uplink", () => {
  it("is there while it is connected, and has another number for each connection", async () => {
    await using ingest = await startIngest({ streamKey }, never);
    const output = outputTo(ingest.url, undefined);
    const connections: number[] = [];
    async function* watched(): AsyncGenerator<Unit> {
      for (const unit of stream.slice(0, 30)) {
        yield unit;
        const { connection } = output.uplink?.(true) ?? { connection: -1 };
        connections.push(connection);
      }
    }
    expect(output.uplink?.(true)).toBeUndefined();
    await output.run(watched(), never);
    expect(output.uplink?.(true)).toBeUndefined();
    await output.run(watched(), never);
    expect([...new Set(connections)]).toEqual([1, 2]);
  });
});

describe("an RTMP output that is refused without a word", () => {
  it("takes it for a wrong key, but for its own ghost where a broadcast was lost shortly before", async () => {
    await using ingest = await startIngest({ streamKey }, never);
    const acknowledged = Promise.withResolvers<void>();
    const output = createRtmpOutput({
      name: "ingest",
      target: { url: ingest.url, streamKey },
      audio: "silent",
      report: (event) => {
        if (event.type === "output-progress" && event.counters.acknowledgedBytes !== undefined)
          acknowledged.resolve();
      },
    });
    async function* large(): AsyncGenerator<Unit> {
      for (let i = 0; i < 60; i += 1) {
        const picture = Buffer.concat([body(i === 0 ? 0x65 : 0x41), Buffer.alloc(4000, 0x55)]);
        yield videoUnit(i === 0 ? [writeSps(), writePps(), picture] : [picture], i * 33_333);
      }
      await acknowledged.promise; // a server that has acknowledged has taken the key
      ingest.drop();
      await new Promise(() => {});
    }
    ingest.mode = "close";
    await expect(output.run(unitsOf(stream), never)).rejects.toMatchObject({ code: "closed-early" });
    ingest.mode = "accept";
    await expect(output.run(large(), never)).rejects.toMatchObject({ code: "output-closed" });
    ingest.mode = "close";
    await expect(output.run(unitsOf(stream), never)).rejects.toMatchObject({ code: "key-in-use" });
  });
});
