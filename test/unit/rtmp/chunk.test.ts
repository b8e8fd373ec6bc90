import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import { ChunkReader } from "../../../src/rtmp/chunk-reader.ts";
import { ChunkWriter } from "../../../src/rtmp/chunk-writer.ts";
import { controlMessage, messageType, noBytes } from "../../../src/rtmp/message.ts";
import type { IncomingMessage, OutgoingMessage } from "../../../src/rtmp/message.ts";

const limits = { messageBytes: 1 << 20, chunkStreams: 64 };

function read(parts: readonly Buffer[], within = limits): IncomingMessage[] {
  const messages: IncomingMessage[] = [];
  const reader = new ChunkReader(within, (message) => messages.push(message));
  for (const part of parts) reader.push(part);
  return messages;
}

/** Cuts `bytes` into parts of the given lengths, over and over. */
function cut(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const parts: Buffer[] = [];
  for (let offset = 0, i = 0; offset < bytes.length; i += 1) {
    const length = lengths[i % lengths.length] ?? 1;
    parts.push(bytes.subarray(offset, offset + length));
    offset += length;
  }
  return parts;
}

function media(timestamp: number, body: Uint8Array, chunkStream = 6): OutgoingMessage {
  return { chunkStream, type: messageType.video, timestamp, head: noBytes, body };
}

function received(message: OutgoingMessage, streamId: number): IncomingMessage {
  const payload = Buffer.concat([message.head, message.body]);
  return { type: message.type, streamId, timestamp: message.timestamp >>> 0, payload };
}

const message: fc.Arbitrary<OutgoingMessage> = fc.record({
  chunkStream: fc.integer({ min: 2, max: 63 }),
  type: fc.constantFrom(messageType.audio, messageType.video, messageType.commandAmf0),
  timestamp: fc.oneof(fc.nat(0xffffffff), fc.nat(2000), fc.integer({ min: 0xfffff0, max: 0x1000010 })),
  head: fc.uint8Array({ maxLength: 9 }),
  body: fc.uint8Array({ maxLength: 700 }),
});

describe("the chunk stream", () => {
  it("gives back every message, however it is chunked and however the bytes are cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(message, { maxLength: 4 }), { maxLength: 8 }),
        fc.integer({ min: 1, max: 300 }),
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }),
        (batches, chunkSize, lengths) => {
          const writer = new ChunkWriter();
          const parts = [writer.compose([controlMessage(messageType.setChunkSize, chunkSize)], 0)];
          writer.chunkSize = chunkSize;
          for (const batch of batches) parts.push(writer.compose(batch, 1));
          const got = read(cut(Buffer.concat(parts), lengths));
          expect(got).toEqual(batches.flat().map((sent) => received(sent, 1)));
        },
      ),
    );
  });

  it("uses the memory it is given when the messages fit", () => {
    const scratch = Buffer.alloc(2000);
    const bytes = new ChunkWriter().compose([media(0, Buffer.alloc(500))], 1, scratch);
    expect(bytes.buffer).toBe(scratch.buffer);
  });

  it("says a time of 4.6 hours and more in the extended field, also on the chunks that continue a message", () => {
    const bytes = new ChunkWriter().compose([media(0x1000002, Buffer.alloc(200, 7))], 1);
    expect(bytes.subarray(0, 16).toString("hex")).toBe("06ffffff0000c8090100000001000002");
    expect(bytes.subarray(16 + 128, 16 + 128 + 5).toString("hex")).toBe("c601000002");
    expect(read([bytes])[0]?.timestamp).toBe(0x1000002);
  });

  it("goes on over the wrap of the 32-bit time", () => {
    const writer = new ChunkWriter();
    const times = [0xffffffff, 0x100000020, 0x100000041];
    const bytes = times.map((time) => writer.compose([media(time, Buffer.of(1))], 1));
    expect(read(bytes).map((got) => got.timestamp)).toEqual([0xffffffff, 0x20, 0x41]);
  });

  it("says a step back as an absolute time", () => {
    const writer = new ChunkWriter();
    const bytes = [100, 40, 73].map((time) => writer.compose([media(time, Buffer.of(1))], 1));
    expect(read(bytes).map((got) => got.timestamp)).toEqual([100, 40, 73]);
  });

  it("reads formats 2 and 3 as beginnings of a message", () => {
    const full = Buffer.from("0600000a0000010901000000aa", "hex");
    const format2 = Buffer.from("86000014bb", "hex");
    const format3 = Buffer.from("c6cc", "hex");
    const got = read([full, format2, format3]);
    expect(got.map(({ timestamp, payload }) => [timestamp, payload.toString("hex")])).toEqual([
      [10, "aa"],
      [30, "bb"],
      [50, "cc"],
    ]);
  });

  it("reads chunk stream numbers of two and three bytes", () => {
    const two = Buffer.from("000a0000000000010901000000aa", "hex");
    const three = Buffer.from("010a010000000000010901000000bb", "hex");
    expect(read([two, three]).map((got) => got.payload.toString("hex"))).toEqual(["aa", "bb"]);
  });

  it("puts messages together whose chunks alternate", () => {
    const a = new ChunkWriter().compose([media(5, Buffer.alloc(200, 1), 6)], 1);
    const b = new ChunkWriter().compose([media(6, Buffer.alloc(200, 2), 4)], 1);
    const first = 12 + 128;
    const bytes = [a.subarray(0, first), b.subarray(0, first), a.subarray(first), b.subarray(first)];
    expect(read(bytes).map((got) => got.payload)).toEqual([Buffer.alloc(200, 1), Buffer.alloc(200, 2)]);
  });

  it("forgets a message that is aborted", () => {
    const begun = new ChunkWriter().compose([media(5, Buffer.alloc(200, 1))], 1).subarray(0, 12 + 128);
    const abort = new ChunkWriter().compose([controlMessage(messageType.abort, 6)], 0);
    const next = new ChunkWriter().compose([media(7, Buffer.of(9))], 1);
    expect(read([begun, abort, next]).map((got) => got.payload)).toEqual([Buffer.of(9)]);
  });

  it.each([
    ["a message longer than the limit", "0600000000ffff0901000000"],
    ["a chunk size of 0", "02000000000004010000000000000000"],
    ["a chunk stream that begins with a continuation", "c6"],
    ["a Set Chunk Size message that is too short", "020000000000020100000000ffff"],
    [
      "a new message before the last one is complete",
      `060000000001000901000000${"00".repeat(128)}0600000000000109`,
    ],
  ])("refuses %s", (_, hex) => {
    const bytes = Buffer.concat([Buffer.from(hex, "hex"), Buffer.alloc(12)]);
    expect(() => read([bytes], { messageBytes: 1000, chunkStreams: 4 })).toThrow(Fault);
  });

  it("refuses more chunk streams than the limit", () => {
    const writer = new ChunkWriter();
    const bytes = writer.compose(
      [2, 3, 4, 5, 6].map((id) => media(0, Buffer.of(1), id)),
      1,
    );
    expect(() => read([bytes], { messageBytes: 1000, chunkStreams: 4 })).toThrow("at most 4 chunk streams");
  });

  it("throws nothing but a fault, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 })), (parts) => {
        try {
          read(parts.map((part) => Buffer.from(part)));
        } catch (error) {
          expect(error).toBeInstanceOf(Fault);
        }
      }),
    );
  });
});
