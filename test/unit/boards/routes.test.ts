import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defaultRoutes, findRoute, parseRoutes4, parseRoutes6 } from "../../../src/boards/routes.ts";
import { parseWay } from "../../../src/verbs/doctor/network.ts";

const table4 = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
wlan0	00000000	0101A8C0	0003	0	0	600	00000000	0	0	0
eth0	00000000	0332A8C0	0003	0	0	2000	00000000	0	0	0
eth0	0032A8C0	00000000	0001	0	0	100	00FFFFFF	0	0	0
wlan0	0001A8C0	00000000	0001	0	0	600	00FFFFFF	0	0	0
eth0	0000000A	0332A8C0	0203	0	0	0	000000FF	0	0	0
down	00000000	0332A8C0	0002	0	0	0	00000000	0	0	0
`;
const zero = "0".repeat(32);
const table6 = `fd000000000000000000000000000000 40 ${zero} 00 ${zero} 00000100 00000001 00000000 00000001     eth0
${zero} 00 ${zero} 00 fd000000000000000000000000000001 00000400 00000003 00000000 00000003     eth0
${zero} 00 ${zero} 00 ${zero} ffffffff 00000001 00000000 00200200       lo
`;

describe("the routing table", () => {
  const routes = [...parseRoutes4(table4), ...parseRoutes6(table6)];

  it.each([
    ["8.8.8.8", "wlan0", "192.168.1.1"],
    ["192.168.50.3", "eth0", undefined],
    ["192.168.1.7", "wlan0", undefined],
    ["10.1.2.3", "wlan0", "192.168.1.1"],
    ["fd00::5", "eth0", undefined],
    ["2001:db8::1", "eth0", "fd00:0:0:0:0:0:0:1"],
  ])("takes %s over %s by %s", (address, device, gateway) => {
    const route = findRoute(routes, address);
    expect([route?.device, route?.gateway]).toEqual([device, gateway]);
  });

  it("lists the default routes, the one in use first", () => {
    const shown = defaultRoutes(parseRoutes4(table4)).map(({ device, metric }) => [device, metric]);
    expect(shown).toEqual([
      ["wlan0", 600],
      ["eth0", 2000],
    ]);
  });

  it("has no way to what is no address", () => {
    expect(findRoute(routes, "example.org")).toBeUndefined();
    expect(findRoute([], "8.8.8.8")).toBeUndefined();
  });

  it("is read without harm, whatever it says", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 100 }), (text) => {
        for (const route of [...parseRoutes4(text), ...parseRoutes6(text)]) findRoute([route], "10.0.0.1");
        parseWay(text);
      }),
    );
  });

  it("is asked of ip", () => {
    const cache = "uid 0 \n    cache expires 590sec mtu 1492 \n";
    expect(parseWay(`8.8.8.8 via 10.0.0.1 dev eth0 table 5201 src 10.0.0.5 ${cache}`)).toEqual({
      device: "eth0",
      gateway: "10.0.0.1",
    });
    expect(parseWay("10.0.0.2 dev eth0 src 10.0.0.5 ")).toEqual({ device: "eth0" });
    for (const text of ["", "\n", "unreachable 8.8.8.8", "10.0.0.2 dev"])
      expect(parseWay(text)).toBeUndefined();
  });
});
