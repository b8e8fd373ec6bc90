import { SocketAddress } from "node:net";

/** IFA_F_* of rtnetlink(7). */
const flag = { temporary: 0x01, optimistic: 0x04, failed: 0x08, deprecated: 0x20, tentative: 0x40 } as const;

/**
 * Which of an interface's addresses can be sent from, the one that is likeliest to reach the internet first; else as
 * they come. `table` is /proc/net/if_inet6, which tells in no order. Left out is what is not known yet to be nobody
 * else's (RFC 4862, 5.4): until then, for a second or two, nothing can be sent from it. Behind come addresses of a
 * private network (RFC 4193), which routers at home give away besides, and those that soon are none any more. Total.
 */
export function toSendFrom(addresses: readonly string[], table: string): readonly string[] {
  const flags = parseFlags(table);
  const has = (address: string, bit: number): boolean => ((flags.get(address) ?? 0) & bit) !== 0;
  const rank = (address: string): number =>
    (has(address, flag.deprecated) ? 4 : 0) +
    (/^f[cd]/i.test(address) ? 2 : 0) +
    (has(address, flag.temporary) ? 1 : 0);
  return addresses
    .filter((one) => !has(one, flag.failed) && (!has(one, flag.tentative) || has(one, flag.optimistic)))
    .toSorted((a, b) => rank(a) - rank(b));
}

function parseFlags(table: string): ReadonlyMap<string, number> {
  return new Map(
    table.split("\n").flatMap((line) => {
      const [word = "", , , , flags = ""] = line.trim().split(/\s+/);
      if (!/^[\da-f]{32}$/i.test(word) || !/^[\da-f]+$/i.test(flags)) return [];
      const address = word.match(/.{4}/g)?.join(":") ?? "";
      return [[new SocketAddress({ family: "ipv6", address }).address, Number.parseInt(flags, 16)] as const];
    }),
  );
}
