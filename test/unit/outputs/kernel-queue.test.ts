import type { Socket } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findQueue, readKernelQueue } from "../../../src/outputs/kernel-queue.ts";

/** As Linux prints them. */
const tcp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:078F 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 21211 1 0000000000000000 100 0 0 10 0
   1: 0F02000A:D2A4 6E5A1034:078F 01 0001F2A0:00000000 01:00000019 00000000  1000        0 31020 2 0000000000000000 24 4 30 43 -1
   2: 0F02000A:D2A6 6E5A1034:078F 01 00000000:00000010 00:00000000 00000000  1000        0 31021 1 0000000000000000 20 4 30 10 -1
`;
const tcp6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000001000000:BDA0 00000000000000000000000001000000:01BB 01 00000A00:00000000 01:00000014 00000000     0        0 99120 1 0000000000000000 20 4 0 10 -1
`;

describe("the kernel's queue of one connection", () => {
  it.each([
    ["what was not acknowledged", tcp, 0xd2a4, 0x078f, 0x1f2a0],
    ["nothing where all has arrived", tcp, 0xd2a6, 0x078f, 0],
    ["the same over IPv6", tcp6, 0xbda0, 443, 0xa00],
    ["not what waits in the other direction", tcp, 0x078f, 0xd2a4, undefined],
    ["nothing of a connection that is not there", tcp, 1234, 0x078f, undefined],
    ["nothing of an empty table", "", 1, 2, undefined],
  ])("is %s", (_name, table, local, remote, bytes) => {
    expect(findQueue(table, local, remote)).toBe(bytes);
  });

  it("is a number that is not negative, or unknown, whatever the text is", () => {
    const line = fc
      .tuple(fc.string(), fc.string(), fc.string())
      .map(([a, b, queue]) => `${a}\n 1: ${b}:0001 ff:0002 01 ${queue}`);
    fc.assert(
      fc.property(fc.oneof(fc.string(), line), (table) => {
        const bytes = findQueue(table, 1, 2);
        expect(bytes === undefined || (Number.isSafeInteger(bytes) && bytes >= 0)).toBe(true);
      }),
    );
    expect(findQueue("\n 1: ff:0001 ff:0002 01 -5:0", 1, 2)).toBeUndefined();
  });

  it("is looked up in the table of the connection's own family", () => {
    const ports = { localPort: 0xbda0, remotePort: 443 };
    const socket = { ...ports, remoteFamily: "IPv6" } as Socket;
    expect(readKernelQueue(socket, (ipv6) => (ipv6 ? tcp6 : tcp))).toBe(0xa00);
    expect(readKernelQueue({ ...ports, remoteFamily: "IPv4" } as Socket, () => tcp)).toBeUndefined();
    expect(readKernelQueue({} as Socket, () => tcp)).toBeUndefined();
  });
});
