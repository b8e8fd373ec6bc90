import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AssembledUnit } from "../../../src/media/access-unit.ts";
import { Depacketizer } from "../../../src/media/depacketizer.ts";
import type { LossPolicy } from "../../../src/media/depacketizer.ts";
import { nal, packetize, packetOf, pps, sps } from "../../helpers/rtp.ts";

interface Got extends AssembledUnit {
  readonly timestamp: number;
  readonly damaged: boolean;
}

function collect(policy: LossPolicy = "freeze") {
  const units: Got[] = [];
  let wanted = 0;
  const depacketizer = new Depacketizer(policy, {
    emit: (unit, timestamp, _packets, damaged) => units.push({ ...unit, timestamp, damaged }),
    wantKeyframe: () => (wanted += 1),
  });
  return { depacketizer, units, wanted: () => wanted };
}

const idr = [sps, pps, nal(5, 5000)];
const types = (unit: Got | undefined): number[] => (unit?.nalus ?? []).map((nalu) => (nalu[0] ?? 0) & 0x1f);

describe("Depacketizer", () => {
  it("gives back the NAL units it was sent, whatever the packet size", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 2, maxLength: 4000 }), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 60, max: 1400 }),
        (bodies, limit) => {
          const slices = bodies.map((body, i) => {
            body[0] = 0x65;
            body[1] = (body[1] ?? 0) | (i === 0 ? 0x80 : 0);
            return body;
          });
          const { depacketizer, units } = collect();
          const packets = packetize([sps, pps, ...slices], { timestamp: 9, firstIndex: 0, limit });
          for (const packet of packets) depacketizer.push(packet, false);
          expect(units).toHaveLength(1);
          expect(units[0]?.nalus.map((nalu) => Buffer.from(nalu))).toEqual(
            [sps, pps, ...slices].map((nalu) => Buffer.from(nalu)),
          );
          expect(units[0]?.keyframe).toBe(true);
        },
      ),
    );
  });

  it("writes the AVCC block with a 4-byte length in front of each NAL unit", () => {
    const { depacketizer, units } = collect();
    for (const packet of packetize(idr, { timestamp: 1, firstIndex: 0 })) depacketizer.push(packet, false);
    const expected = Buffer.concat(
      idr.flatMap((nalu) => {
        const length = Buffer.alloc(4);
        length.writeUInt32BE(nalu.length);
        return [length, nalu];
      }),
    );
    expect(Buffer.from(units[0]?.avcc ?? [])).toEqual(expected);
  });

  it("puts the kept parameter sets in front of an IDR that comes without its own", () => {
    const { depacketizer, units } = collect();
    for (const packet of packetize(idr, { timestamp: 1, firstIndex: 0 })) depacketizer.push(packet, false);
    for (const packet of packetize([nal(5, 300)], { timestamp: 2, firstIndex: 9 }))
      depacketizer.push(packet, false);
    expect(units.map(types)).toEqual([
      [7, 8, 5],
      [7, 8, 5],
    ]);
  });

  it("takes parameter sets from the SDP when the stream never carries any", () => {
    const { depacketizer, units } = collect();
    depacketizer.setParameterSets({ sps, pps });
    for (const packet of packetize([nal(5, 300)], { timestamp: 2, firstIndex: 9 }))
      depacketizer.push(packet, false);
    expect(types(units[0])).toEqual([7, 8, 5]);
  });

  it("gives pictures before the first IDR too, so that a stream without any can be measured", () => {
    const { depacketizer, units } = collect();
    for (const packet of packetize([nal(1, 3000)], { timestamp: 1, firstIndex: 0 }))
      depacketizer.push(packet, false);
    expect(units.map((unit) => unit.keyframe)).toEqual([false]);
  });

  it("counts as lost only what comes after the first keyframe", () => {
    const { depacketizer } = collect();
    const middle = packetize([nal(1, 3000)], { timestamp: 1, firstIndex: 0 }).at(-1);
    if (middle !== undefined) depacketizer.push(middle, false);
    expect(depacketizer.counters.droppedUnits).toBe(0);
    for (const packet of packetize(idr, { timestamp: 2, firstIndex: 9 })) depacketizer.push(packet, false);
    if (middle !== undefined) depacketizer.push({ ...middle, timestamp: 3 }, true);
    expect(depacketizer.counters.droppedUnits).toBe(1);
  });

  it("drops an IDR for which no parameter sets were ever seen, and asks for another", () => {
    const { depacketizer, units, wanted } = collect();
    for (const packet of packetize([nal(5, 300)], { timestamp: 1, firstIndex: 0 }))
      depacketizer.push(packet, false);
    expect(units).toHaveLength(0);
    expect(wanted()).toBe(1);
  });

  it("calls a recovery point with non-IDR slices no keyframe", () => {
    const { depacketizer, units } = collect();
    for (const packet of packetize(idr, { timestamp: 1, firstIndex: 0 })) depacketizer.push(packet, false);
    const recoveryPoint = Buffer.from([0x06, 0x06, 0x01, 0xc4, 0x80]);
    for (const packet of packetize([recoveryPoint, nal(1, 200)], { timestamp: 2, firstIndex: 9 })) {
      depacketizer.push(packet, false);
    }
    expect(units.map((unit) => unit.keyframe)).toEqual([true, false]);
  });

  it("ends an access unit whose marker was lost when the timestamp changes", () => {
    const { depacketizer, units } = collect();
    const first = packetize(idr, { timestamp: 1, firstIndex: 0 }).map((packet) => ({
      ...packet,
      marker: false,
    }));
    for (const packet of first) depacketizer.push(packet, false);
    for (const packet of packetize([nal(1, 100)], { timestamp: 2, firstIndex: 9 }))
      depacketizer.push(packet, false);
    expect(units.map((unit) => unit.timestamp)).toEqual([1, 2]);
  });

  it("with freeze shows nothing from a loss to the next whole IDR, and counts what it drops", () => {
    const { depacketizer, units, wanted } = collect("freeze");
    let index = 0;
    const send = (nalus: readonly Uint8Array[], timestamp: number, lose?: number): void => {
      let gap = false;
      for (const [i, packet] of packetize(nalus, { timestamp, firstIndex: index }).entries()) {
        index += 1;
        if (i === lose) gap = true;
        else {
          depacketizer.push(packet, gap);
          gap = false;
        }
      }
    };
    send(idr, 1);
    send([nal(1, 5000)], 2, 2);
    send([nal(1, 5000)], 3);
    send(idr, 4);
    send([nal(1, 500)], 5);
    expect(units.map((unit) => unit.timestamp)).toEqual([1, 4, 5]);
    expect(depacketizer.counters.droppedUnits).toBe(2);
    expect(wanted()).toBeGreaterThan(0);
  });

  it("with freeze keeps an IDR that begins right after a loss", () => {
    const { depacketizer, units } = collect("freeze");
    for (const packet of packetize(idr, { timestamp: 1, firstIndex: 0 })) depacketizer.push(packet, false);
    for (const [i, packet] of packetize(idr, { timestamp: 2, firstIndex: 50 }).entries()) {
      depacketizer.push(packet, i === 0);
    }
    expect(units.map((unit) => unit.timestamp)).toEqual([1, 2]);
  });

  it("with freeze drops an IDR whose first slice is lost although its second one begins whole", () => {
    const { depacketizer, units } = collect("freeze");
    const second = nal(5, 300);
    second[1] = 0x12; // first_mb_in_slice is not 0
    const packets = packetize([sps, pps, nal(5, 300), second], { timestamp: 2, firstIndex: 0 });
    const last = packets.at(-1);
    if (last !== undefined) depacketizer.push(last, true);
    expect(units).toHaveLength(0);
  });

  it("with freeze does not wait for ever for an IDR that a camera without any never sends", () => {
    const { depacketizer, units } = collect("freeze");
    const send = (seconds: number, nalus: readonly Uint8Array[], gap = false): void => {
      const packets = packetize(nalus, { timestamp: seconds * 90_000, firstIndex: 0 });
      for (const [i, packet] of packets.entries()) depacketizer.push(packet, gap && i === 0);
    };
    send(0, idr);
    for (let seconds = 1; seconds <= 10; seconds += 1) send(seconds, [nal(1, 50)], seconds === 1);
    expect(units.map(({ timestamp }) => timestamp / 90_000)).toEqual([0, 7, 8, 9, 10]);
    send(11, [nal(1, 50)], true);
    expect(units.at(-1)?.timestamp).toBe(11 * 90_000);
  });

  it("with pass hands on what is left of a damaged picture, marked as damaged", () => {
    const { depacketizer, units } = collect("pass");
    for (const packet of packetize(idr, { timestamp: 1, firstIndex: 0 })) depacketizer.push(packet, false);
    const [first, , ...others] = packetize([nal(1, 3000), nal(1, 700)], { timestamp: 2, firstIndex: 9 });
    if (first !== undefined) depacketizer.push(first, false);
    for (const [i, packet] of others.entries()) depacketizer.push(packet, i === 0);
    expect(units[1]?.nalus.map((nalu) => nalu.length)).toEqual([700]);
    expect(units.map(({ damaged }) => damaged)).toEqual([false, true]);
  });

  it("survives any payload in any order", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            payload: fc.uint8Array({ maxLength: 60 }),
            timestamp: fc.nat(3),
            marker: fc.boolean(),
            gap: fc.boolean(),
          }),
          { maxLength: 40 },
        ),
        fc.constantFrom<LossPolicy>("freeze", "pass"),
        (sent, policy) => {
          const { depacketizer, units } = collect(policy);
          for (const { payload, timestamp, marker, gap } of sent) {
            depacketizer.push(packetOf(payload, { timestamp, marker }), gap);
          }
          for (const unit of units) {
            expect(unit.avcc.length).toBe(unit.nalus.reduce((sum, nalu) => sum + 4 + nalu.length, 0));
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
