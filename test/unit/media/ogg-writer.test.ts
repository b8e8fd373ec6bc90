import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import { readOggPages } from "../../helpers/ogg.ts";
import { OggOpusWriter, oggChecksum, opusPacketSamples } from "../../../src/media/ogg-writer.ts";

describe("oggChecksum", () => {
  it("is the unreflected CRC-32 of RFC 3533", () => {
    // The check value of CRC-32 with polynomial 04c11db7, initial value and final XOR 0, over "123456789".
    expect(oggChecksum(Buffer.from("123456789"))).toBe(0x89a1_897f);
  });
});

describe("opusPacketSamples", () => {
  it.each([
    ["SILK 10 ms", [0 << 3], 480],
    ["SILK 60 ms", [3 << 3], 2880],
    ["hybrid 20 ms", [13 << 3], 960],
    ["CELT 2.5 ms", [16 << 3], 120],
    ["CELT 20 ms", [31 << 3], 960],
    ["two frames of 20 ms", [(31 << 3) | 1], 1920],
    ["three frames of 20 ms by count", [(31 << 3) | 3, 3], 2880],
  ])("knows %s", (_, packet, samples) => {
    expect(opusPacketSamples(Uint8Array.from(packet))).toBe(samples);
  });

  it("gives 2.5 to 120 ms or a malformed fault for any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4 }), (packet) => {
        try {
          const samples = opusPacketSamples(packet);
          expect(samples).toBeGreaterThanOrEqual(120);
          expect(samples).toBeLessThanOrEqual(5760);
        } catch (error) {
          expect((error as Fault).code).toBe("malformed");
        }
      }),
    );
  });
});

describe("OggOpusWriter", () => {
  it("writes the two headers of RFC 7845 on pages of their own", () => {
    const [identification, comment] = readOggPages(new OggOpusWriter(7).headers());
    expect(identification).toMatchObject({ flags: 2, sequence: 0, granule: 0n, serial: 7 });
    expect(identification?.payload.toString("latin1", 0, 8)).toBe("OpusHead");
    expect(identification?.payload.readUInt16LE(10)).toBe(312);
    expect(comment).toMatchObject({ flags: 0, sequence: 1, granule: 0n });
    expect(comment?.payload.toString("latin1", 0, 8)).toBe("OpusTags");
  });

  it("writes each packet as one page that reads back, with right checksums, at any length", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1600 }), fc.nat(2 ** 40), (packet, granule) => {
        const writer = new OggOpusWriter(1);
        writer.headers();
        expect(readOggPages(writer.page(packet, granule))).toEqual([
          {
            flags: 0,
            sequence: 2,
            granule: BigInt(granule),
            serial: 1,
            payload: Buffer.from(packet),
            intact: true,
          },
        ]);
      }),
    );
  });

  it("refuses a packet that does not fit on one page", () => {
    expect(() => new OggOpusWriter(1).page(Buffer.alloc(65_000), 0)).toThrow(Fault);
  });
});
