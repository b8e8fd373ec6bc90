import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toSendFrom } from "../../../../src/device/uplinks/ipv6-addresses.ts";

const row = (address: string, flags: string): string => `${address} 02 40 00 ${flags}     usb0\n`;
const global = "20010db8000000000000000000000005";
const temporary = "20010db8000000000000000000000006";
const local = "fd000000000000000000000000000005";

describe("the IPv6 addresses of an uplink", () => {
  it("are left out while they may be somebody else's, or when they are", () => {
    const addresses = ["2001:db8::5", "fd00::5"];
    expect(toSendFrom(addresses, row(global, "40") + row(local, "00"))).toEqual(["fd00::5"]);
    expect(toSendFrom(addresses, row(global, "c8") + row(local, "c0"))).toEqual([]);
    expect(toSendFrom(addresses, row(global, "44"))).toEqual(addresses);
  });

  it("begin with one that the internet knows, lasts, and is not about to end", () => {
    const table = row(local, "80") + row(temporary, "01") + row(global, "80");
    expect(toSendFrom(["fd00::5", "2001:db8::6", "2001:db8::5"], table)).toEqual([
      "2001:db8::5",
      "2001:db8::6",
      "fd00::5",
    ]);
    const renumbered = row(global, "20") + row(local, "00");
    expect(toSendFrom(["2001:db8::5", "fd00::5"], renumbered)).toEqual(["fd00::5", "2001:db8::5"]);
  });

  it("stay as they come where nothing is known of them", () => {
    const addresses = ["2001:db8::7", "2001:db8::5"];
    fc.assert(
      fc.property(fc.string(), (table) => {
        expect(toSendFrom(addresses, table)).toEqual(addresses);
      }),
    );
  });
});
