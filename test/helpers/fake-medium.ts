import { blockBytes } from "../../image/card/blocks.ts";
import type { Image } from "../../image/card/image-file.ts";
import type { IoFailure, Medium } from "../../image/card/medium.ts";

/** What a card does wrong. Offsets and sizes in bytes. */
export type CardFault =
  /** Addresses begin anew after `size`. */
  | { readonly kind: "wraps"; readonly size: number }
  /** What is written beyond `size` goes nowhere; what is read there is `fill`. */
  | { readonly kind: "forgets"; readonly size: number; readonly fill: number }
  /** One bit at `offset` cannot be changed any more. */
  | { readonly kind: "stuck"; readonly offset: number }
  /** Another byte at `offset` each time. */
  | { readonly kind: "flickers"; readonly offset: number }
  /** The first write over `offset` is said to be done, and is not. */
  | { readonly kind: "loses"; readonly offset: number }
  | {
      readonly kind: "fails";
      readonly operation: IoFailure["operation"];
      readonly offset: number;
      readonly code: string;
    };

/** A card in memory that keeps what it is given, but for its faults. */
export function fakeMedium(bytes: number, fault?: CardFault): Medium & { readonly content: Buffer } {
  const content = Buffer.alloc(bytes, 0x5a);
  let [readings, isLost] = [0, false];
  const fails = (
    operation: IoFailure["operation"],
    offset: number,
    length: number,
  ): IoFailure | undefined => {
    if (fault?.kind !== "fails" || fault.operation !== operation) return undefined;
    if (fault.offset < offset || fault.offset >= offset + length) return undefined;
    return { ...fault, kind: "failed", isGone: fault.code === "ENODEV" };
  };
  const covers = (place: number, offset: number, length: number): boolean =>
    place >= offset && place < offset + length;
  return {
    ...{ name: "card", bytes, blockBytes: 512, isDirect: true, content },
    async write(offset, written) {
      const failure = fails("write", offset, written.length);
      if (failure !== undefined) return failure;
      const given = Buffer.from(written);
      switch (fault?.kind) {
        case "wraps":
          for (let at = 0; at < given.length; at += 512)
            given.copy(content, (offset + at) % fault.size, at, at + 512);
          return undefined;
        case "forgets":
          given.copy(content, offset, 0, Math.max(0, fault.size - offset));
          return undefined;
        case "loses":
          if (!covers(fault.offset, offset, given.length) || isLost) break;
          isLost = true;
          content.copy(given, fault.offset - offset, fault.offset, fault.offset + 512);
          break;
        case undefined:
        default:
      }
      given.copy(content, offset);
      return undefined;
    },
    async read(offset, length) {
      const failure = fails("read", offset, length);
      if (failure !== undefined) return failure;
      const got = Buffer.from(content.subarray(offset, offset + length));
      if (fault?.kind === "wraps")
        for (let at = 0; at < length; at += 512)
          content.copy(got, at, (offset + at) % fault.size, ((offset + at) % fault.size) + 512);
      if (fault?.kind === "forgets" && offset + length > fault.size)
        got.fill(fault.fill, Math.max(0, fault.size - offset));
      if (fault?.kind === "stuck" && covers(fault.offset, offset, length))
        got[fault.offset - offset] = (got[fault.offset - offset] ?? 0) ^ 1;
      if (fault?.kind === "flickers" && covers(fault.offset, offset, length))
        got[fault.offset - offset] = (got[fault.offset - offset] ?? 0) + ++readings;
      return got;
    },
    flush: async () => fails("flush", 0, 1),
    async [Symbol.asyncDispose]() {},
  };
}

/** An image in memory. */
export function imageOf(content: Buffer): Image {
  return {
    ...{ name: "test.img", bytes: content.length, partitions: [], isProven: true },
    async *blocks() {
      for (let offset = 0; offset < content.length; offset += blockBytes)
        yield { offset, bytes: Buffer.from(content.subarray(offset, offset + blockBytes)) };
    },
  };
}
