import { expect, test } from "vitest";
import { stateOf, telemetryOf } from "../../../../src/control/mqtt/state.ts";
import type { Status } from "../../../../src/domain/status.ts";
import { idleStatus } from "./line.ts";

const options = { version: "1.2.3", destinations: ["main", "backup"] };
const state = (change: Partial<Status>) => stateOf({ ...idleStatus, ...change }, options);

test("what is wanted and what is are told apart", () => {
  expect(state({ desired: "live", phase: "starting" })).toMatchObject({
    stream: "ON",
    live: "OFF",
    problem: "OFF",
  });
  expect(state({ desired: "live", phase: "retrying" })).toMatchObject({
    stream: "ON",
    live: "OFF",
    problem: "ON",
  });
});

test("the destination is one name, all of them, or none that could be chosen", () => {
  const chosen = (destinations: readonly string[]) =>
    state({ settings: { ...idleStatus.settings, destinations } }).destination;
  expect(chosen(["main"])).toBe("main");
  expect(chosen(["backup", "main"])).toBe("all");
  expect(
    stateOf(
      { ...idleStatus, settings: { ...idleStatus.settings, destinations: ["a", "b"] } },
      { version: "1", destinations: ["a", "b", "c"] },
    ).destination,
  ).toBeNull();
});

test("a fault is shown by its code alone, and a long reason is cut to what Home Assistant keeps", () => {
  const fault = { code: "robot-unreachable", message: "x", retryable: true } as const;
  const told = state({ desired: "live", reason: "r".repeat(400), source: { ...idleStatus.source, fault } });
  expect(told).toMatchObject({
    problem: "ON",
    source: { name: "spot", state: "idle", fault: "robot-unreachable" },
  });
  expect(told.reason).toHaveLength(255);
});

test("a camera that is not known is null, and one that is shows percent and degrees", () => {
  const { camera: _, ...blind } = idleStatus;
  expect(stateOf(blind, options).camera).toBeNull();
  expect(state({ camera: { can: ["lights"], presets: [], lights: 0.333 } }).camera).toEqual({
    ...{ pan: null, tilt: null, zoom: null, screen: null, lights: 33 },
  });
});

test("losses before and after the hub are added up, and the slowest queue is told", () => {
  const queue = { units: 1, bytes: 1, milliseconds: 40, droppedUnits: 2 };
  const outputs = [
    { name: "a", state: "running", queue },
    { name: "b", state: "running", queue: { ...queue, milliseconds: 90.4, droppedUnits: 3 } },
  ] as const;
  const source = { ...idleStatus.source, fps: 29.97, bitsPerSecond: 2_999_600 };
  expect(telemetryOf({ ...idleStatus, source, outputs })).toEqual({
    ...{
      fps: 30,
      bitrate: 3000,
      droppedPictures: 5,
      lostPackets: 0,
      queueDelay: 90,
      targetBitrate: 0,
      phaseMinutes: 1,
    },
    ...{ temperature: null, processorUse: null, memoryAvailable: null, diskFree: null, wifiSignal: null },
  });
});

test("the machine's health is told by its level, what to do, and the worst sensor", () => {
  const items = [
    { name: "processor", kind: "temperature", level: "ok", value: 61.7, shown: "62 °C", advice: "" },
    { name: "graphics", kind: "temperature", level: "ok", value: 58.2, shown: "58 °C", advice: "" },
    {
      name: "supply",
      kind: "undervoltage",
      level: "warning",
      value: 1,
      isNow: false,
      shown: "was",
      advice: "A.",
    },
    {
      name: "throttled",
      kind: "throttling",
      level: "warning",
      value: 2,
      isNow: true,
      shown: "yes",
      advice: "B.",
    },
    { name: "WiFi signal", kind: "wifi", level: "unknown", shown: "not known here", advice: "" },
  ] as const;
  const health = { level: "warning", strain: 1, items } as const;
  expect(state({ health })).toMatchObject({
    ...{ health: "warning", healthAdvice: "supply: A. throttled: B.", undervoltage: "OFF", throttled: "ON" },
  });
  expect(telemetryOf({ ...idleStatus, health })).toMatchObject({ temperature: 62, wifiSignal: null });
  expect(state({})).toMatchObject({ health: null, healthAdvice: null, undervoltage: null, throttled: null });
});
