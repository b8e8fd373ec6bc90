import { expect, test } from "vitest";
import { createEventLog } from "../../../src/control/event-log.ts";
import { rows } from "../../../src/control/http/metric-rows.ts";
import type { HealthItem } from "../../../src/domain/health.ts";
import { createLog, createMask } from "../../../src/lib/log.ts";
import { formatStatus } from "../../../src/verbs/status-text.ts";
import { idleStatus } from "./http/memory-line.ts";

const hot: HealthItem = {
  ...{ name: "processor", kind: "temperature", level: "critical" },
  ...{ value: 84, isNow: true, shown: "84 °C", advice: "Give it air." },
};
const well: HealthItem = { ...hot, level: "ok", value: 60, shown: "60 °C", advice: "" };
const dark: HealthItem = {
  ...{ name: "WiFi signal", kind: "wifi", level: "unknown", shown: "not known here", advice: "" },
};

test("health is logged only when a level changes, in plain words with what to do", () => {
  const lines: { readonly level: string; readonly msg: string }[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[0]) };
  const report = createEventLog(createLog({ level: "info", mask: createMask(), destination }));
  const tell = (item: HealthItem, changed: readonly HealthItem[]): void =>
    report({ type: "health", health: { level: item.level, strain: 0, items: [item, dark] }, changed });
  tell(hot, [hot]);
  tell(hot, []);
  tell(well, [well]);
  expect(lines.map(({ msg }) => msg)).toEqual([
    "Processor: 84 °C. Give it air.",
    "Processor: 60 °C, which is well again.",
  ]);
});

test("status and metrics say the same, and leave out what is not known", () => {
  const status = { ...idleStatus, health: { level: "critical", strain: 2, items: [hot, dark] } as const };
  expect(formatStatus(status)).toContain(
    "health: critical, a transcode is made smaller by 2\n  processor 84 °C\n  critical: processor 84 °C. Give it air.",
  );
  const feed = { clients: 0, dropped: 0 };
  const read = (name: string) => rows.find((row) => row.name === name)?.read({ status, feed } as never);
  expect(read("health_level")).toEqual([
    [2, "processor"],
    [undefined, "WiFi signal"],
  ]);
  expect(read("health_temperature_celsius")).toEqual([[84, "processor"]]);
  expect(read("health_wifi_signal_dbm")).toEqual([[undefined, "WiFi signal"]]);
  expect(read("health_strain_steps")).toEqual([[2]]);
});
