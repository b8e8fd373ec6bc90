import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import {
  addEmulationPrevention,
  BitReader,
  BitWriter,
  removeEmulationPrevention,
} from "../../../src/media/bits.ts";

const field = fc.oneof(
  fc.integer({ min: 0, max: 32 }).chain((count) =>
    fc.record({
      kind: fc.constant("u" as const),
      count: fc.constant(count),
      value: fc.integer({ min: 0, max: 2 ** count - 1 }),
    }),
  ),
  fc.record({ kind: fc.constant("ue" as const), value: fc.integer({ min: 0, max: 2 ** 32 - 2 }) }),
  fc.record({
    kind: fc.constant("se" as const),
    value: fc.integer({ min: -(2 ** 31 - 1), max: 2 ** 31 - 1 }),
  }),
  fc.record({ kind: fc.constant("flag" as const), value: fc.boolean() }),
);

describe("BitWriter", () => {
  it("writes the examples of table 9-2", () => {
    const codes = ["1", "010", "011", "00100", "00101", "00110", "00111", "0001000", "0001001", "0001010"];
    const bits = new BitWriter();
    for (const value of codes.keys()) bits.unsignedExpGolomb(value);
    bits.trailingBits();
    const expected = `${codes.join("")}1`.padEnd(56, "0");
    expect([...bits.bytes()].map((byte) => byte.toString(2).padStart(8, "0")).join("")).toBe(expected);
  });

  it("writes what a reader reads", () => {
    fc.assert(
      fc.property(fc.array(field, { maxLength: 30 }), (fields) => {
        const writer = new BitWriter();
        for (const field of fields) {
          if (field.kind === "u") writer.unsigned(field.count, field.value);
          else if (field.kind === "ue") writer.unsignedExpGolomb(field.value);
          else if (field.kind === "se") writer.signedExpGolomb(field.value);
          else writer.flag(field.value);
        }
        writer.trailingBits();
        const reader = new BitReader(writer.bytes());
        for (const field of fields) {
          if (field.kind === "u") expect(reader.unsigned(field.count)).toBe(field.value);
          else if (field.kind === "ue") expect(reader.unsignedExpGolomb()).toBe(field.value);
          else if (field.kind === "se") expect(reader.signedExpGolomb() === field.value).toBe(true);
          else expect(reader.flag()).toBe(field.value);
        }
        expect(reader.flag()).toBe(true);
        expect(reader.bitsLeft).toBeLessThan(8);
        expect(reader.unsigned(reader.bitsLeft)).toBe(0);
      }),
    );
  });

  it("fills the last byte with the bit that is asked for, and nothing where it is full", () => {
    const bits = new BitWriter();
    bits.align(true);
    bits.unsigned(3, 0);
    bits.align(true);
    bits.align(false);
    expect([...bits.bytes()]).toEqual([0x1f]);
  });
});

describe("BitReader", () => {
  it("refuses to read past the end, and nothing else", () => {
    expect(() => new BitReader(Uint8Array.of(0xff)).unsigned(9)).toThrow(Fault);
    expect(() => new BitReader(new Uint8Array(9)).unsignedExpGolomb()).toThrow(Fault);
  });
});

describe("emulation prevention", () => {
  const bytes = fc.array(fc.oneof(fc.constantFrom(0, 0, 0, 1, 2, 3, 4), fc.nat(255)), { maxLength: 60 });

  it("is put in where it is needed", () => {
    expect([...addEmulationPrevention(Uint8Array.of(0, 0, 0, 0, 0, 3, 0, 0, 4, 0, 0, 2))]).toEqual([
      ...[0, 0, 3, 0, 0, 3, 0, 3, 0, 0, 4, 0, 0, 3, 2],
    ]);
  });

  it("can be removed again, and leaves no start code", () => {
    fc.assert(
      fc.property(bytes, (bytes) => {
        const rbsp = Uint8Array.of(...bytes, 0x80);
        const nalu = addEmulationPrevention(rbsp);
        expect(removeEmulationPrevention(nalu)).toEqual(rbsp);
        expect(Buffer.from(nalu).toString("hex")).not.toMatch(/^(?:..)*?00000[0-2]/);
      }),
      { numRuns: 1000 },
    );
  });
});
