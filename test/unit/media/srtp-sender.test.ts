import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Depacketizer } from "../../../src/media/depacketizer.ts";
import { toRtpPayloads } from "../../../src/media/rtp-payloads.ts";
import { SrtpReceiver } from "../../../src/media/srtp.ts";
import type { RtpPacket } from "../../../src/media/srtp.ts";
import { SrtpSender } from "../../../src/media/srtp-sender.ts";

const keys = { encryption: randomBytes(16), salt: randomBytes(14), authentication: randomBytes(20) };
const extension = Buffer.from([0xbe, 0xde, 0, 1, 0x12, 1, 2, 3]);

function createBoth(firstSequence = 100): { sender: SrtpSender; receiver: SrtpReceiver } {
  const stream = { ssrc: 0xdead_beef, payloadType: 102, firstSequence };
  return {
    sender: new SrtpSender(keys, stream),
    receiver: new SrtpReceiver("AES128_CM_HMAC_SHA1_80", keys),
  };
}

/** What the receiving half makes of a copy, as it decrypts in place. */
function open(receiver: SrtpReceiver, datagram: Buffer): RtpPacket {
  const packet = receiver.unprotect(Buffer.from(datagram));
  if (typeof packet === "string") throw new Error(packet);
  return packet;
}

const nalu = (type: number, length: number): Buffer =>
  Buffer.concat([Buffer.from([0x60 | type]), randomBytes(length - 1)]);

describe("the sending half of SRTP", () => {
  it("gives the receiving half the NAL units that it was given, whatever their sizes", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.integer({ min: 2, max: 40 }), fc.integer({ min: 1100, max: 90_000 })), {
          minLength: 1,
          maxLength: 6,
        }),
        (sizes) => {
          const nalus = [nalu(7, 20), nalu(8, 6), ...sizes.map((size) => nalu(5, size))];
          const { sender, receiver } = createBoth();
          const emitted: Uint8Array[] = [];
          const depacketizer = new Depacketizer("freeze", {
            emit: (unit) => void emitted.push(...unit.nalus),
            wantKeyframe: () => {},
          });
          for (const datagram of sender.protect(toRtpPayloads(nalus), 1234, extension, 0, 10_000)) {
            expect(datagram.length).toBeLessThanOrEqual(1198);
            depacketizer.push(open(receiver, datagram), false);
          }
          expect(emitted.map((bytes) => Buffer.from(bytes))).toEqual(nalus);
        },
      ),
      { numRuns: 30 },
    );
  });

  it("numbers, stamps and marks packets, and puts the extension into a picture's first one alone", () => {
    const { sender, receiver } = createBoth(7);
    const payloads = toRtpPayloads([nalu(1, 3000)]);
    const packets = [0, 2].flatMap((from) =>
      sender.protect(payloads, 0xffff_fff0, extension, from, 2).map((datagram) => open(receiver, datagram)),
    );
    expect(packets).toMatchObject([
      {
        index: 7,
        timestamp: 0xffff_fff0,
        ssrc: 0xdead_beef,
        payloadType: 102,
        marker: false,
        payloadStart: 20,
      },
      { index: 8, marker: false, payloadStart: 12 },
      { index: 9, marker: true, payloadStart: 12 },
    ]);
    expect(packets[0]?.data.subarray(12, 20)).toEqual(extension);
    expect(sender.sent.packets).toBe(3);
  });

  it("goes on when the sequence numbers begin anew", () => {
    const { sender, receiver } = createBoth(0xfffe);
    const payloads = toRtpPayloads([nalu(1, 5000)]);
    const packets = sender.protect(payloads, 0, extension, 0, 10).map((datagram) => open(receiver, datagram));
    expect(packets.map(({ index }) => index)).toEqual([0xfffe, 0xffff, 0x1_0000, 0x1_0001, 0x1_0002]);
  });

  it("gives the newest packets again as they were, and no older ones", () => {
    const { sender } = createBoth(0);
    const payloads = toRtpPayloads([nalu(1, 1000)]);
    const sent = Array.from({ length: 2100 }, () =>
      sender.protect(payloads, 0, extension, 0, 1).map((datagram) => Buffer.from(datagram)),
    ).flat();
    expect(sender.again(2099)).toEqual(sent[2099]);
    expect(sender.again(52)).toEqual(sent[52]);
    expect(sender.again(51)).toBeUndefined();
    expect(sender.again(2100)).toBeUndefined();
  });
});
