import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseFrame, splitNalus } from "../../../../src/web/preview/frame.ts";
import { parseMessage } from "../../../../src/web/preview/messages.ts";

/** As the websocket gives it. */
function message(bytes: readonly number[]): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}

const header = [1, 1, 0, 0, 0xff, 0xff, 0xff, 0xfe, 0x41, 0x2e, 0x84, 0x80, 0, 0, 0, 0];

describe("a frame", () => {
  it("is read from its header", () => {
    expect(parseFrame(message([...header, 0, 0, 1, 0x65]))).toEqual({
      isKey: true,
      rtpTimestamp: 0xfffffffe,
      ptsUs: 1_000_000,
      data: Uint8Array.of(0, 0, 1, 0x65),
    });
  });

  it("is nothing where there is no picture, or where the version is another", () => {
    expect(parseFrame(message(header))).toBeUndefined();
    expect(parseFrame(message([2, ...header.slice(1), 0]))).toBeUndefined();
  });

  it("is read from any bytes without throwing", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        parseFrame(Uint8Array.from(bytes).buffer);
      }),
    );
  });
});

describe("splitting an access unit", () => {
  it("gives what lies between the start codes, long or short, without the zeros at their ends", () => {
    const stream = Uint8Array.from([0, 0, 0, 1, 9, 0xf0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 0, 1, 0x65, 3, 0]);
    expect(splitNalus(stream).map((nalu) => [...nalu])).toEqual([
      [9, 0xf0],
      [0x67, 1, 2],
      [0x65, 3],
    ]);
  });

  it("gives back any NAL units that were joined", () => {
    // Emulation prevention keeps two zeros in a row out of them, and the last byte is never zero.
    const nalu = fc.array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.array(nalu, { maxLength: 8 }), fc.boolean(), (nalus, isLong) => {
        const code = isLong ? [0, 0, 0, 1] : [0, 0, 1];
        const stream = Uint8Array.from(nalus.flatMap((nalu) => [...code, ...nalu]));
        expect(splitNalus(stream).map((nalu) => [...nalu])).toEqual(nalus);
      }),
    );
  });

  it("takes any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        splitNalus(Uint8Array.from(bytes));
      }),
    );
  });
});

describe("a message", () => {
  it("is read by its type", () => {
    expect(parseMessage('{"type":"offer","id":1,"sdp":"x"}')).toEqual({
      ...{ type: "offer", id: 1, sdp: "x", iceServers: [] },
    });
    expect(parseMessage('{"type":"source","state":"away","text":"Away."}')).toEqual({
      ...{ type: "source", state: "away", text: "Away." },
    });
    expect(parseMessage('{"type":"candidate","id":1,"candidate":null}')).toEqual({
      ...{ type: "candidate", id: 1, candidate: null },
    });
  });

  it("is passed over where it is not understood", () => {
    for (const text of [
      "",
      "null",
      "[]",
      '{"type":"other"}',
      '{"type":"offer"}',
      '{"type":"source","state":1}',
    ])
      expect(parseMessage(text), text).toBeUndefined();
  });

  it("is read from any text without throwing", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        parseMessage(text);
      }),
    );
  });
});
