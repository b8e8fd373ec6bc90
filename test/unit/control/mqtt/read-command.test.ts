import fc from "fast-check";
import { expect, test } from "vitest";
import { parseCommand } from "../../../../src/control/parse-command.ts";
import { plainCommands } from "../../../../src/control/mqtt/plain-commands.ts";
import { readCommand, type IncomingCommand } from "../../../../src/control/mqtt/read-command.ts";
import { topicsOf } from "../../../../src/control/mqtt/topics.ts";

const topics = topicsOf({
  baseTopic: "spotlive",
  deviceId: "spot1",
  discoveryPrefix: "homeassistant",
  homeAssistant: true,
});
const destinations = ["main", "backup"];

function read(topic: string, payload: string, more: Partial<IncomingCommand> = {}) {
  return readCommand({ topic, payload: Buffer.from(payload), ...more }, topics, destinations, "fallback");
}

const cameraAction = (action: object) => ({ kind: "camera", action });
const change = (fields: object) => ({ kind: "set", change: fields });

test.each([
  ["stream", "ON", { kind: "start" }],
  ["stream", " OFF\n", { kind: "stop" }],
  ["lock", "ON", { kind: "lock" }],
  ["lock", "OFF", { kind: "unlock" }],
  ["restart", "PRESS", { kind: "restart" }],
  ["keyframe", "PRESS", { kind: "keyframe" }],
  ["clip", "PRESS", { kind: "clip", seconds: 30 }],
  ["clip", "10", { kind: "clip", seconds: 10 }],
  ["destination", "main", change({ destinations: ["main"] })],
  ["destination", "all", change({ destinations: ["main", "backup"] })],
  ["bitrate-cap", "3000", change({ bitrateCap: 3_000_000 })],
  ["bitrate-cap", "0", change({ bitrateCap: null })],
  ["audio", "none", change({ audio: "none" })],
  ["look", "right", cameraAction({ kind: "look", pan: 10, tilt: 0, zoom: 1 })],
  ["look", "in", cameraAction({ kind: "look", pan: 0, tilt: 0, zoom: 1.25 })],
  ["zoom", "2.5", cameraAction({ kind: "goto", position: { zoom: 2.5 } })],
  ["lights", "50", cameraAction({ kind: "lights", brightness: 0.5 })],
  ["screen", "mech", cameraAction({ kind: "screen", name: "mech" })],
  ["preset", "door", cameraAction({ kind: "preset", name: "door" })],
])("%s/set with %j is a command", (name, payload, command) => {
  const result = read(topics.set(name), payload);
  expect(result).toMatchObject({ ok: true, request: { id: "fallback", origin: "mqtt", command } });
});

test("every plain command's example is a command", () => {
  for (const [name, { example }] of Object.entries(plainCommands))
    expect(read(topics.set(name), example).ok, name).toBe(true);
});

test.each([
  ["stream", "on"],
  ["stream", "constructor"],
  ["look", "sideways"],
  ["zoom", "NaN"],
  ["zoom", "1e3"],
  ["lights", "101"],
  ["bitrate-cap", "-1"],
  ["clip", "0"],
  ["destination", "../x"],
  ["audio", "loud"],
  ["constructor", "PRESS"],
  ["", "ON"],
])("%s/set with %j is malformed", (name, payload) => {
  expect(read(topics.set(name), payload)).toMatchObject({ ok: false, fault: { code: "malformed" } });
});

test("JSON carries an id and an expiry of its own", () => {
  const soon = new Date(Date.now() + 2000).toISOString();
  const result = read(topics.command, JSON.stringify({ kind: "stop", id: "a:1", expiresAt: soon }));
  if (!result.ok) throw result.fault;
  expect(result.request).toMatchObject({ id: "a:1", command: { kind: "stop" } });
  expect(leftMs(result.request.expiresAt)).toBeLessThanOrEqual(2100);
});

test("a time far away does not make a command live longer than 5 seconds, and a past one is past", () => {
  for (const [expiresAt, least, most] of [
    ["2099-01-01T00:00:00Z", 4000, 5001],
    ["2020-01-01T00:00:00+01:00", -Infinity, 0],
  ] as const) {
    const result = read(topics.command, JSON.stringify({ kind: "start", expiresAt }));
    if (!result.ok) throw result.fault;
    expect(leftMs(result.request.expiresAt)).toBeGreaterThan(least);
    expect(leftMs(result.request.expiresAt)).toBeLessThan(most);
  }
});

test("what the broker says is left is respected", () => {
  const result = read(topics.set("stream"), "ON", { messageExpiryInterval: 2 });
  if (!result.ok) throw result.fault;
  expect(leftMs(result.request.expiresAt)).toBeLessThanOrEqual(2001);
});

test("the same response topic and correlation data give the same id, others another", () => {
  const id = (responseTopic: string, data: string): string => {
    const result = read(topics.command, '{"kind":"start"}', {
      responseTopic,
      correlationData: Buffer.from(data),
    });
    return result.ok ? result.request.id : "";
  };
  expect(id("a", "1")).toBe(id("a", "1"));
  expect(new Set([id("a", "1"), id("a", "2"), id("b", "1"), "fallback", ""]).size).toBe(5);
});

test.each([
  "",
  "start",
  "[]",
  "null",
  '{"kind":"reboot"}',
  '{"kind":"start","id":"a b"}',
  '{"kind":"start","id":7}',
  '{"kind":"start","expiresAt":1}',
  '{"kind":"start","expiresAt":"2026-11-20T12:00:00"}',
  `{"kind":${"[".repeat(8000)}${"]".repeat(8000)}}`,
  `{"kind":"start","x":"${"x".repeat(20_000)}"}`,
])("JSON like %.40s is malformed", (payload) => {
  expect(read(topics.command, payload)).toMatchObject({ ok: false, fault: { code: "malformed" } });
});

test("whatever comes in, it is a valid command or malformed", () => {
  const names = fc.oneof(fc.constantFrom(...Object.keys(plainCommands)), fc.string());
  const someTopic = fc.oneof(
    names.map((name) => topics.set(name)),
    fc.constant(topics.command),
    fc.string(),
  );
  const payload = fc.oneof(fc.string(), fc.json(), fc.constantFrom("ON", "12", "left", '{"kind":"start"}'));
  const message = fc.record(
    {
      topic: someTopic,
      payload: fc.oneof(
        payload.map((text) => new Uint8Array(Buffer.from(text))),
        fc.uint8Array(),
      ),
      responseTopic: fc.string(),
      correlationData: fc.uint8Array(),
      messageExpiryInterval: fc.nat(),
    },
    { requiredKeys: ["topic", "payload"] },
  );
  fc.assert(
    fc.property(message, (given) => {
      const result = readCommand(given, topics, destinations, "fallback");
      if (result.ok) expect(parseCommand(result.request.command)).toEqual(result.request.command);
      else expect(result.fault.code).toBe("malformed");
    }),
    { numRuns: 2000 },
  );
});

function leftMs(expiresAt: number | undefined): number {
  return (expiresAt ?? Infinity) / 1000 - performance.now();
}
