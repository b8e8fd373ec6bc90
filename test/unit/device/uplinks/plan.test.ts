import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseRoutes, parseRules } from "../../../../src/device/uplinks/ip-facts.ts";
import { findPaths, planChanges, spellStray, strayRoutes } from "../../../../src/device/uplinks/plan.ts";
import type { Found } from "../../../../src/device/uplinks/plan.ts";

/** As iproute2 prints it. */
const main = [
  {
    dst: "default",
    gateway: "10.1.0.1",
    dev: "wlan0",
    protocol: "dhcp",
    prefsrc: "10.1.0.5",
    metric: 600,
    flags: [],
  },
  {
    dst: "default",
    gateway: "10.2.0.1",
    dev: "usb0",
    protocol: "dhcp",
    prefsrc: "10.2.0.5",
    metric: 700,
    flags: [],
  },
  { dst: "10.1.0.0/24", dev: "wlan0", protocol: "kernel", scope: "link", prefsrc: "10.1.0.5", flags: [] },
  { type: "local", dst: "10.1.0.5", dev: "wlan0", table: "local", protocol: "kernel", flags: [] },
];
const systemRules = [
  { priority: 0, src: "all", table: "local" },
  { priority: 32766, src: "all", table: "main" },
];
const addresses: Readonly<Record<string, readonly string[]>> = {
  wlan0: ["10.1.0.5"],
  usb0: ["10.2.0.5", "10.2.0.6"],
};
const names = ["wlan0", "usb0", "eth9"];

const find = (routes: object[], rules: object[] = systemRules): Found => ({
  ...{ routes: parseRoutes(JSON.stringify(routes)), rules: parseRules(JSON.stringify(rules)) },
});
const pathsIn = (found: Found, of = addresses) => findPaths(names, found.routes, (name) => of[name] ?? []);

/** What is ours once these lines have been done. */
const done = {
  routes: [
    { dst: "default", gateway: "10.1.0.1", dev: "wlan0", table: "5201", prefsrc: "10.1.0.5", flags: [] },
    {
      dst: "default",
      gateway: "10.2.0.1",
      dev: "usb0",
      table: "5202",
      prefsrc: "10.2.0.5",
      metric: 1024,
      flags: [],
    },
  ],
  rules: [
    { priority: 5200, src: "all", table: "main", suppress_prefixlen: 0 },
    { priority: 5201, src: "10.1.0.5", table: "5201" },
    { priority: 5202, src: "10.2.0.5", table: "5202" },
    { priority: 5202, src: "10.2.0.6", table: "5202" },
    { priority: 5290, src: "all", table: "5202" },
  ],
};

describe("the plan", () => {
  it("gives each uplink a table, its addresses a rule, and all others the chosen one, routes first", () => {
    const found = find(main);
    expect(planChanges(found, pathsIn(found), "usb0")).toEqual([
      "route replace default via 10.1.0.1 dev wlan0 src 10.1.0.5 table 5201",
      "route replace default via 10.2.0.1 dev usb0 src 10.2.0.5 table 5202",
      "rule add from all lookup main suppress_prefixlength 0 priority 5200",
      "rule add from 10.1.0.5 lookup 5201 priority 5201",
      "rule add from 10.2.0.5 lookup 5202 priority 5202",
      "rule add from 10.2.0.6 lookup 5202 priority 5202",
      "rule add from all lookup 5202 priority 5290",
    ]);
  });

  it("is empty once it is done", () => {
    const found = find([...main, ...done.routes], [...systemRules, ...done.rules]);
    expect(planChanges(found, pathsIn(found), "usb0")).toEqual([]);
  });

  it("moves the traffic by two rules, the new one first", () => {
    const found = find([...main, ...done.routes], [...systemRules, ...done.rules]);
    expect(planChanges(found, pathsIn(found), "wlan0")).toEqual([
      "rule add from all lookup 5201 priority 5290",
      "rule del from all lookup 5202 priority 5290",
    ]);
  });

  it("follows an uplink to another gateway and another address", () => {
    const moved = main.map((route) =>
      route.dev === "usb0" ? { ...route, gateway: "10.3.0.1", prefsrc: "10.3.0.5" } : route,
    );
    const found = find([...moved, ...done.routes], [...systemRules, ...done.rules]);
    expect(planChanges(found, pathsIn(found, { ...addresses, usb0: ["10.3.0.5"] }), "usb0")).toEqual([
      "route replace default via 10.3.0.1 dev usb0 src 10.3.0.5 table 5202",
      "rule add from 10.3.0.5 lookup 5202 priority 5202",
      "rule del from 10.2.0.5 lookup 5202 priority 5202",
      "rule del from 10.2.0.6 lookup 5202 priority 5202",
    ]);
  });

  it("takes away all that is ours and nothing else when there is nothing to look after", () => {
    const found = find([...main, ...done.routes], [...systemRules, ...done.rules]);
    const lines = planChanges(found, [], undefined);
    expect(lines).toHaveLength(done.rules.length + done.routes.length);
    for (const line of lines) expect(line).toMatch(/^(rule|route) del .*\b52\d\d\b/);
  });

  it("changes nothing in the main table, whatever is there", () => {
    const word = fc.constantFrom(
      "default",
      "10.1.0.0/24",
      "wlan0",
      "usb0",
      "eth0",
      "main",
      "5201",
      "5299",
      "10.1.0.5",
    );
    const route = fc.record({ dst: word, dev: word, table: fc.option(word), gateway: fc.option(word) });
    const rule = fc.record({ priority: fc.integer({ min: 0, max: 33_000 }), src: word, table: word });
    fc.assert(
      fc.property(fc.array(route), fc.array(rule), word, (routes, rules, chosen) => {
        const found = find(routes, rules);
        for (const line of planChanges(found, pathsIn(found), chosen))
          if (line.startsWith("route")) expect(line).toMatch(/table 52\d\d\b/);
          else expect(line).toMatch(/priority 52\d\d$/);
      }),
    );
  });
});

describe("the paths", () => {
  it("are those uplinks that have an address and a way to everywhere, in their order", () => {
    const found = find([...main.toReversed(), { ...main[0], gateway: "10.1.0.9", metric: 900 }]);
    expect(pathsIn(found).map(({ name, index }) => [name, index])).toEqual([
      ["wlan0", 0],
      ["usb0", 1],
    ]);
    expect(pathsIn(found)[0]?.route.gateway).toBe("10.1.0.1");
    expect(pathsIn(found, { usb0: ["10.2.0.5"] }).map(({ name }) => name)).toEqual(["usb0"]);
  });

  it("leave out an uplink that cannot be told from an earlier one", () => {
    const same = { wlan0: ["10.1.0.5"], usb0: ["10.1.0.5"] };
    expect(pathsIn(find(main), same).map(({ name }) => name)).toEqual(["wlan0"]);
  });
});

describe("what leads everywhere over the robot's interface", () => {
  it.each([
    ["default", true],
    ["0.0.0.0/1", true],
    ["128.0.0.0/1", true],
    ["192.168.50.0/24", false],
    ["192.168.50.3", false],
  ])("%s: %s", (dst, isStray) => {
    const { routes } = find([
      ...main,
      { dst, gateway: "192.168.50.3", dev: "eth0", metric: 50, flags: ["onlink"] },
    ]);
    const found = strayRoutes(routes, "eth0").map(spellStray);
    expect(found).toEqual(isStray ? [`${dst} via 192.168.50.3 dev eth0 table main onlink metric 50`] : []);
    expect(strayRoutes(routes, undefined)).toEqual([]);
  });
});

describe("what ip prints", () => {
  it.each(["", "nonsense", "{}", "[1, null, {}]", '[{"dst": 1}]'])("may be anything: %j", (text) => {
    expect([parseRoutes(text), parseRules(text)]).toEqual([[], []]);
  });
});
