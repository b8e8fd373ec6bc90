import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Unit } from "../../../src/domain/media.ts";
import type { StatusEvent } from "../../../src/domain/status.ts";
import { SrtpSender } from "../../../src/media/srtp-sender.ts";
import { OutputMeter } from "../../../src/outputs/output-meter.ts";
import { WhipLine } from "../../../src/outputs/whip-line.ts";
import { videoUnit } from "../../helpers/units.ts";

/** What was sent: each packet's number and its time in milliseconds. */
let sent: { readonly sequence: number; readonly ms: number }[];
let events: StatusEvent[];
let line: WhipLine;

const times = (): number[] => [...new Set(sent.map(({ ms }) => ms))];
const notices = (): StatusEvent[] => events.filter(({ type }) => type === "notice");

async function* unitsOf(units: readonly Unit[]): AsyncGenerator<Unit> {
  yield* units;
}

describe("a line to a WHIP server", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    [sent, events] = [[], []];
    const keys = { encryption: randomBytes(16), salt: randomBytes(14), authentication: randomBytes(20) };
    const sender = new SrtpSender(keys, { ssrc: 1, payloadType: 102, firstSequence: 0 });
    const send = (datagram: Buffer): void =>
      void sent.push({ sequence: datagram.readUInt16BE(2), ms: datagram.readUInt32BE(4) / 90 });
    line = new WhipLine({
      ...{ name: "crowd", meter: new OutputMeter(), sending: { sender, send, report: () => {} } },
      report: (event) => void events.push(event),
    });
  });
  afterEach(() => {
    line[Symbol.dispose]();
    vi.useRealTimers();
  });

  it("takes no further picture while much waits to be sent", async () => {
    let taken = 0;
    async function* large(): AsyncGenerator<Unit> {
      for (; taken < 10; taken += 1) yield videoUnit(taken * 33, true, 200_000);
    }
    const done = line.pump(large());
    await vi.advanceTimersByTimeAsync(30);
    expect(taken).toBe(0);
    expect(sent.length).toBeLessThan(32 + 3 * 31);
    await vi.advanceTimersByTimeAsync(1000);
    await done;
    expect(times()).toEqual(Array.from({ length: 10 }, (_, i) => i * 33));
    expect(sent.map(({ sequence }) => sequence)).toEqual(sent.map((_, i) => i));
  });

  it("leaves pictures out up to the next keyframe where much gets lost, and says so once", async () => {
    await line.pump(unitsOf([videoUnit(0, true, 30_000)]));
    const first = line.pump(unitsOf([videoUnit(33, false, 50_000)]));
    await vi.advanceTimersByTimeAsync(100);
    await first;
    for (let second = 0; second < 2; second += 1) {
      line.repeat(Array.from({ length: 60 }, (_, i) => i));
      await vi.advanceTimersByTimeAsync(1000);
    }
    sent = [];
    await line.pump(unitsOf([videoUnit(1100), videoUnit(1133), videoUnit(1166, true), videoUnit(1200)]));
    expect(times()).toEqual([1166, 1200]);
    expect(notices()).toEqual([expect.objectContaining({ part: "output/crowd", severity: "warning" })]);
  });

  it("begins with nothing that is damaged, and takes no sound", async () => {
    const sound = { kind: "audio", ptsUs: 0, codec: "aac", payload: Buffer.alloc(9) } as const;
    const damaged = { ...videoUnit(0, true), damaged: true } as const;
    await line.pump(unitsOf([sound, damaged, videoUnit(33), videoUnit(66, true), sound, videoUnit(100)]));
    expect(times()).toEqual([66, 100]);
  });

  it("leaves no timer behind, and ends for nobody who still gives it pictures", async () => {
    const done = line.pump(unitsOf([videoUnit(0, true, 300_000), videoUnit(33)]));
    await vi.advanceTimersByTimeAsync(5);
    line[Symbol.dispose]();
    await done;
    expect(vi.getTimerCount()).toBe(0);
    expect(times()).toEqual([0]);
  });
});
