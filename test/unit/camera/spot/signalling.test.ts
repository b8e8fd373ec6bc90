import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseOffer } from "../../../../src/camera/spot/signalling.ts";
import { Fault } from "../../../../src/domain/fault.ts";

const encode = (sdp: string): string => Buffer.from(sdp).toString("base64");

describe("parseOffer", () => {
  it.each([7, "abc", null, { deep: true }])("keeps the id %o as it is", (id) => {
    expect(parseOffer(JSON.stringify({ id, sdp: encode("v=0\r\n") }))).toEqual({ id, sdp: "v=0\r\n" });
  });

  it.each(["", "[]", "{}", '{"sdp":5}', JSON.stringify({ id: 1, sdp: encode("<html>") })])(
    "refuses %j with a fault that says what was expected",
    (body) => {
      expect(() => parseOffer(body)).toThrow(/offer/);
    },
  );

  it("throws nothing but malformed faults", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
        try {
          parseOffer(body);
        } catch (error) {
          expect(error).toBeInstanceOf(Fault);
          expect(error).toMatchObject({ code: "malformed" });
        }
      }),
    );
  });
});
