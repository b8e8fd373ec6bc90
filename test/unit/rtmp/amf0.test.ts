import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import { decodeAmf0, encodeAmf0, type AmfValue } from "../../../src/rtmp/amf0.ts";

const { value } = fc.letrec<{ value: AmfValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.double(),
    fc.boolean(),
    fc.string({ unit: "grapheme" }),
    fc.constantFrom(null, undefined),
    fc.date({ noInvalidDate: true }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie("value"), { maxKeys: 4 }),
    fc.array(fc.tuple(fc.string(), tie("value")), { maxLength: 4 }).map((entries) => new Map(entries)),
  ),
}));

function nested(depth: number): AmfValue {
  return depth === 0 ? 1 : [nested(depth - 1)];
}

describe("AMF0", () => {
  it("gives back every value that it encoded", () => {
    fc.assert(
      fc.property(fc.array(value), (values) => {
        expect(decodeAmf0(encodeAmf0(values))).toEqual(values);
      }),
    );
  });

  it("writes a command as every RTMP server reads it", () => {
    const bytes = encodeAmf0(["connect", 1, { app: "a" }]);
    expect(bytes.toString("hex")).toBe("020007636f6e6e656374003ff000000000000003000361707002000161000009");
  });

  it("keeps a text that is longer than 65535 bytes", () => {
    const text = "é".repeat(40_000);
    expect(decodeAmf0(encodeAmf0([text]))).toEqual([text]);
  });

  it("treats the key `__proto__` like any other", () => {
    const [object] = decodeAmf0(Buffer.from("0300095f5f70726f746f5f5f02000178000009", "hex"));
    expect(Object.keys(object as object)).toEqual(["__proto__"]);
  });

  it("throws nothing but a fault, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeAmf0(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(Fault);
        }
      }),
    );
  });

  it("throws nothing but a fault for a value that is cut off or damaged anywhere", () => {
    fc.assert(
      fc.property(fc.array(value), fc.nat(), fc.nat(255), (values, position, byte) => {
        const bytes = encodeAmf0(values);
        const at = position % (bytes.length + 1);
        const damaged = Buffer.concat([bytes.subarray(0, at), Buffer.of(byte), bytes.subarray(at + 1)]);
        for (const input of [bytes.subarray(0, at), damaged]) {
          try {
            decodeAmf0(input);
          } catch (error) {
            expect(error).toBeInstanceOf(Fault);
          }
        }
      }),
    );
  });

  it("refuses values that are nested too deep, in both directions", () => {
    expect(() => encodeAmf0([nested(40)])).toThrow(Fault);
    const deep = Buffer.concat(Array.from({ length: 10_000 }, () => Buffer.from("0a00000001", "hex")));
    expect(() => decodeAmf0(deep)).toThrow("nested deeper");
  });
});
