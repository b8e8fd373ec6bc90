import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseRoutes, parseRules } from "../../../../src/device/uplinks/ip-facts.ts";
import { findPaths, planChanges, spellStray, strayRoutes } from "../../../../src/device/uplinks/plan.ts";
import type { Found } from "../../../../src/device/uplinks/plan.ts";

/** As iproute2 prints it. */
const main = [
  "default via 10.1.0.1 dev wlan0 proto dhcp src 10.1.0.5 metric 600 ",
  "default via 10.2.0.1 dev usb0 proto dhcp src 10.2.0.5 metric 700 ",
  "default proto static metric 900 ",
  "\tnexthop via 10.1.0.1 dev wlan0 weight 1 ",
  "\tnexthop via 10.2.0.1 dev usb0 weight 1 ",
  "10.1.0.0/24 dev wlan0 proto kernel scope link src 10.1.0.5 ",
  "local 10.1.0.5 dev wlan0 table local proto kernel scope host src 10.1.0.5 ",
  "unreachable default dev lo metric 4294967295 error -101 pref medium",
];
const systemRules = ["0:\tfrom all lookup local ", "32766:\tfrom all lookup main "];
const addresses: Readonly<Record<string, readonly string[]>> = {
  wlan0: ["10.1.0.5"],
  usb0: ["10.2.0.5", "10.2.0.6"],
};
const names = ["wlan0", "usb0", "eth9"];

const find = (routes: readonly string[], rules: readonly string[] = systemRules): Found => ({
  ...{ routes: parseRoutes(routes.join("\n")), rules: parseRules(rules.join("\n")) },
});
const pathsIn = (found: Found, of = addresses) => findPaths(names, found.routes, (name) => of[name] ?? []);

/** What is ours once these lines have been done. */
const done = {
  routes: [
    "default via 10.1.0.1 dev wlan0 table 5201 src 10.1.0.5 ",
    "default via 10.2.0.1 dev usb0 table 5202 src 10.2.0.5 metric 1024 ",
  ],
  rules: [
    "5200:\tfrom all lookup main suppress_prefixlength 0 ",
    "5201:\tfrom 10.1.0.5 lookup 5201 ",
    "5202:\tfrom 10.2.0.5 lookup 5202 ",
    "5202:\tfrom 10.2.0.6 lookup 5202 ",
    "5290:\tfrom all lookup 5202 ",
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
      route.replace("10.2.0.1 dev", "10.3.0.1 dev").replace("10.2.0.5", "10.3.0.5"),
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
    const route = fc
      .tuple(word, word, word, word)
      .map(([to, device, table, gateway]) => `${to} via ${gateway} dev ${device} table ${table}`);
    const rule = fc
      .tuple(fc.integer({ min: 0, max: 33_000 }), word, word)
      .map(([priority, from, table]) => `${priority}:\tfrom ${from} lookup ${table}`);
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
    const found = find([...main.slice(0, 2).toReversed(), "default via 10.1.0.9 dev wlan0 metric 900"]);
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
    const { routes } = find([...main, `${dst} via 192.168.50.3 dev eth0 proto dhcp metric 50 onlink `]);
    const found = strayRoutes(routes, "eth0").map(spellStray);
    expect(found).toEqual(isStray ? [`${dst} via 192.168.50.3 dev eth0 table main onlink metric 50`] : []);
    expect(strayRoutes(routes, undefined)).toEqual([]);
  });
});

describe("what ip prints", () => {
  it.each(["", "nonsense", "default dev", "52: from", "x: lookup main", "local 1 dev lo"])(
    "may be anything: %j",
    (text) => {
      expect([parseRoutes(text), parseRules(text)]).toEqual([[], []]);
    },
  );

  it("is read without harm", () => {
    const word = fc.constantFrom(
      "default",
      "dev",
      "via",
      "metric",
      "table",
      "lookup",
      "from",
      "5200:",
      "\n",
      "\t",
      "\\",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(word, fc.string())), (words) => {
        const text = words.join(" ");
        for (const { metric } of parseRoutes(text)) expect(metric).not.toBeNaN();
        for (const { priority } of parseRules(text)) expect(priority).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
