import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Handshake } from "../../../src/rtmp/handshake.ts";

/** Hands `bytes` over in parts of `size`; gives what was replied and what was left over. */
function feed(
  handshake: Handshake,
  bytes: Buffer,
  size: number,
): { reply: Buffer; rest: Buffer; done: boolean } {
  const replies: Buffer[] = [];
  const rests: Buffer[] = [];
  let done = false;
  for (let offset = 0; offset < bytes.length; offset += size) {
    const part = bytes.subarray(offset, offset + size);
    if (done) rests.push(part);
    else {
      const step = handshake.push(part);
      replies.push(step.reply);
      rests.push(step.rest);
      done = step.done;
    }
  }
  return { reply: Buffer.concat(replies), rest: Buffer.concat(rests), done };
}

describe("the handshake", () => {
  it("succeeds between our two sides however the bytes are cut, and keeps the bytes that follow", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4000 }), fc.uint8Array({ maxLength: 50 }), (size, following) => {
        const client = new Handshake("client");
        const server = new Handshake("server");
        expect(server.hello()).toHaveLength(0);
        const hello = client.hello();
        expect(hello).toHaveLength(1537);
        const fromServer = feed(server, hello, size);
        expect(fromServer.reply).toHaveLength(3073);
        const fromClient = feed(client, Buffer.concat([fromServer.reply, following]), size);
        expect(fromClient).toMatchObject({ done: true, rest: Buffer.from(following) });
        expect(fromClient.reply).toEqual(fromServer.reply.subarray(1, 1537));
        expect(feed(server, fromClient.reply, size).done).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it("refuses a peer that does not speak RTMP at its first byte", () => {
    expect(() => new Handshake("client").push(Buffer.from("HTTP/1.1 400"))).toThrow(
      "Expected an RTMP handshake",
    );
  });
});
