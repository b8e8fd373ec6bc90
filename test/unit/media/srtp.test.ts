import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RtpHeader, SrtpSession } from "werift";
import { SrtpReceiver } from "../../../src/media/srtp.ts";
import type { RtpPacket, SrtpProfile } from "../../../src/media/srtp.ts";

const weriftProfile = { AEAD_AES_128_GCM: 7, AES128_CM_HMAC_SHA1_80: 1 } as const;

/** A sender that is not ours, and its receiver as the oracle. */
function makePeer(profile: SrtpProfile) {
  const salt = randomBytes(profile === "AEAD_AES_128_GCM" ? 12 : 14);
  const key = randomBytes(16);
  const keys = { localMasterKey: key, localMasterSalt: salt, remoteMasterKey: key, remoteMasterSalt: salt };
  const config = { keys, profile: weriftProfile[profile] };
  const sender = new SrtpSession(config);
  const context = sender.remoteContext;
  const receiver = new SrtpReceiver(profile, {
    encryption: context.srtpSessionKey,
    salt: context.srtpSessionSalt,
    authentication: context.srtpSessionAuthTag,
  });
  const protect = (sequenceNumber: number, payload: Buffer, fields: Partial<RtpHeader> = {}): Buffer =>
    sender.encrypt(
      payload,
      new RtpHeader({ payloadType: 96, sequenceNumber, timestamp: 1234, ssrc: 77, marker: true, ...fields }),
    );
  return { receiver, protect, oracle: new SrtpSession(config) };
}

function expectPacket(result: ReturnType<SrtpReceiver["unprotect"]>): RtpPacket {
  if (typeof result === "string") throw new Error(`refused: ${result}`);
  return result;
}

describe.each(["AEAD_AES_128_GCM", "AES128_CM_HMAC_SHA1_80"] as const)("SrtpReceiver with %s", (profile) => {
  it("reads what an independent sender protects, exactly as that library's own receiver does", () => {
    const { receiver, protect, oracle } = makePeer(profile);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 1300 }), (payload) => {
        const datagram = protect(sequence++ % 65_536, Buffer.from(payload));
        const expected = oracle.decrypt(Buffer.from(datagram));
        const packet = expectPacket(receiver.unprotect(datagram));
        expect(packet.data.equals(expected)).toBe(true);
        expect(
          packet.data.subarray(packet.payloadStart, packet.payloadEnd).equals(Buffer.from(payload)),
        ).toBe(true);
        expect(packet).toMatchObject({ timestamp: 1234, ssrc: 77, payloadType: 96, marker: true });
      }),
    );
  });
  let sequence = 100;

  it("follows the rollover counter over several wraps, out of order at the edge", () => {
    const { receiver, protect } = makePeer(profile);
    let expected = 65_000;
    for (let i = 0; i < 140_000; i += 50) {
      const packet = expectPacket(receiver.unprotect(protect((65_000 + i) % 65_536, Buffer.from([1, 2, 3]))));
      expect(packet.index).toBe(expected);
      expected += 50;
    }
  });

  it("reads a stream whose packets before the first wrap never came", () => {
    const { receiver, protect } = makePeer(profile);
    protect(65_535, Buffer.from([1]));
    expect(expectPacket(receiver.unprotect(protect(3, Buffer.from([1])))).index).toBe(65_536 + 3);
  });

  it("refuses a packet that comes twice", () => {
    const { receiver, protect } = makePeer(profile);
    const datagram = protect(5, Buffer.from([1, 2, 3]));
    const copy = Buffer.from(datagram);
    expectPacket(receiver.unprotect(datagram));
    expect(receiver.unprotect(copy)).toBe("replayed");
  });

  it("refuses a packet in which one bit was changed, wherever it is", () => {
    fc.assert(
      fc.property(fc.nat(10_000), (position) => {
        const { receiver, protect } = makePeer(profile);
        const datagram = protect(5, Buffer.alloc(40, 7));
        const byte = 1 + (position % (datagram.length - 1));
        datagram[byte] = (datagram[byte] ?? 0) ^ (1 << (position % 8));
        expect(typeof receiver.unprotect(datagram)).toBe("string");
      }),
    );
  });

  it("steps over CSRC and header extension, and takes padding off", () => {
    const { receiver, protect } = makePeer(profile);
    const datagram = protect(9, Buffer.from([9, 9, 9, 0, 0, 3]), {
      csrc: [1, 2],
      csrcLength: 2,
      extension: true,
      extensionProfile: 0xbede,
      extensions: [{ id: 1, payload: Buffer.from([5]) }],
      padding: true,
    });
    const packet = expectPacket(receiver.unprotect(datagram));
    expect([...packet.data.subarray(packet.payloadStart, packet.payloadEnd)]).toEqual([9, 9, 9]);
  });
});

describe("SrtpReceiver", () => {
  it("says why it refuses and never throws, whatever comes in", () => {
    const { receiver } = makePeer("AEAD_AES_128_GCM");
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(["malformed", "not-authentic"]).toContain(receiver.unprotect(Buffer.from(bytes)));
      }),
    );
  });
});
