import fc from "fast-check";
import { expect, it } from "vitest";
import { RtpHeader, RtpPacket } from "werift";
import { aggregate, maximumPayload, payloadsOfNalu } from "../../../../src/simulator/robot/rtp-payloads.ts";
import { depacketize } from "../../../helpers/plain-depacketizer.ts";

/** A NAL unit of a type that may stand alone (1 to 23). */
const nalus = fc
  .tuple(
    fc.integer({ min: 1, max: 23 }),
    fc.integer({ min: 0, max: 3 }),
    fc.uint8Array({ minLength: 1, maxLength: 200 }),
  )
  .map(([type, importance, rest]) => Buffer.from([(importance << 5) | type, ...rest]));

function receive(payloads: readonly Uint8Array[], startSequence: number) {
  const packets = payloads.map((payload, index) => {
    const sequenceNumber = (startSequence + index) % 65_536;
    const marker = index === payloads.length - 1;
    return new RtpPacket(
      new RtpHeader({ sequenceNumber, marker, ssrc: 5, payloadType: 96 }),
      Buffer.from(payload),
    );
  });
  return depacketize(packets);
}

it("cuts NAL units so that a receiver gets them back whole, at any sequence number and limit", () => {
  fc.assert(
    fc.property(
      fc.array(nalus, { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 3, max: 80 }),
      fc.nat(65_535),
      (units, limit, start) => {
        const payloads = units.flatMap((nalu) => payloadsOfNalu(nalu, limit));
        expect(payloads.every(({ length }) => length <= limit)).toBe(true);
        const received = receive(payloads, start)[0]?.nalus.map((nalu) => Buffer.from(nalu).toString("hex"));
        expect(received).toEqual(units.map((nalu) => nalu.toString("hex")));
      },
    ),
  );
});

it("puts parameter sets into one payload with the highest importance of them", () => {
  const [sps, pps] = [Buffer.from([0x67, 1, 2, 3]), Buffer.from([0x28, 9])];
  const payload = aggregate([sps, pps]);
  expect(payload[0]).toBe(0x60 | 24);
  expect(receive([payload], 7)[0]?.nalus).toEqual([sps, pps]);
});

it("leaves a unit alone that just fits", () => {
  expect(payloadsOfNalu(new Uint8Array(maximumPayload))).toHaveLength(1);
  expect(payloadsOfNalu(new Uint8Array(maximumPayload + 1))).toHaveLength(2);
});
