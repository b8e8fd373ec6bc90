import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseViewerRequest } from "../../../../src/control/http/parse-viewer-request.ts";
import { Fault } from "../../../../src/domain/fault.ts";

describe("what a viewer of the preview says", () => {
  it.each([
    { type: "watch", latency: "live", transport: "websocket" },
    { type: "answer", id: 1, sdp: "v=0" },
    { type: "candidate", id: 2, candidate: null },
    { type: "candidate", id: 2, candidate: { candidate: "candidate:1", sdpMid: "0", sdpMLineIndex: 0 } },
    { type: "failed", id: 3, reason: "no picture" },
  ])("is read as it is meant: %j", (request) => {
    expect(parseViewerRequest(JSON.stringify(request))).toEqual(request);
  });

  it.each([
    "",
    "[]",
    "null",
    "{}",
    `{"type":"watch","latency":"soon"}`,
    `{"type":"answer","id":0.5,"sdp":""}`,
  ])("is refused with what was expected: %s", (text) => {
    expect(() => parseViewerRequest(text)).toThrow(/^Expected /);
  });

  it("is read or refused with a fault, whatever it is", () => {
    const fields = fc.record(
      {
        type: fc.constantFrom("watch", "answer", "candidate", "failed", 1),
        ...{ latency: fc.anything(), transport: fc.anything(), id: fc.anything(), sdp: fc.anything() },
        ...{ candidate: fc.anything(), reason: fc.anything() },
      },
      { requiredKeys: [] },
    );
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fields.map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(text, (words) => {
        try {
          parseViewerRequest(words);
        } catch (error) {
          expect(error).toBeInstanceOf(Fault);
          expect((error as Fault).code).toBe("malformed");
        }
      }),
    );
  });
});
