import { expect, test } from "vitest";
import { checkOptions } from "../../../../src/control/mqtt/options.ts";

const options = {
  brokers: ["mqtt://192.168.1.5", "mqtts://[::1]:9999"],
  deviceId: "spot1",
  baseTopic: "site/spotlive",
  homeAssistant: true,
  discoveryPrefix: "homeassistant",
  destinations: ["main"],
  version: "1.2.3",
};

test("brokers get the ports of their protocol", () => {
  expect(checkOptions(options)).toEqual([
    { url: "mqtt://192.168.1.5:1883", protocol: "mqtt", host: "192.168.1.5", port: 1883 },
    { url: "mqtts://[::1]:9999", protocol: "mqtts", host: "::1", port: 9999 },
  ]);
  expect(checkOptions({ ...options, brokers: ["mqtts://broker"] })[0].port).toBe(8883);
});

test.each([
  ["a broker", { brokers: [] }],
  ["a protocol", { brokers: ["ws://host"] }],
  ["a URL", { brokers: ["host"] }],
  ["a device id for one level", { deviceId: "a/b" }],
  ["a device id without wildcards", { deviceId: "+" }],
  ["a base topic", { baseTopic: "" }],
  ["a base topic without wildcards", { baseTopic: "a/#" }],
  ["two prefixes", { baseTopic: "homeassistant" }],
])("options without %s are refused", (_, wrong) => {
  expect(() => checkOptions({ ...options, ...wrong })).toThrow(
    expect.objectContaining({ code: "config-invalid" }),
  );
});

test("a password in a broker's URL is refused and not shown", () => {
  const check = () => checkOptions({ ...options, brokers: ["mqtt://me:hidden-password@host"] });
  expect(check).toThrow(/settings of their own/);
  expect(check).not.toThrow(/hidden-password/);
});
