import { describe, expect, it } from "vitest";
import { HealthMonitor } from "../../../src/boards/health-monitor.ts";
import type { HealthLook } from "../../../src/boards/health-monitor.ts";
import { watchHealth } from "../../../src/boards/health.ts";
import { profileGauges } from "../../../src/boards/profile-gauges.ts";
import { openRoot } from "../../../src/boards/root.ts";
import { systemGauges } from "../../../src/boards/system-gauges.ts";
import type { HealthReading } from "../../../src/domain/board.ts";
import type { HealthItem } from "../../../src/domain/health.ts";
import type { StatusEvent } from "../../../src/domain/status.ts";
import { makeFakeRoot } from "../../helpers/fake-root.ts";

const flags = "/sys/devices/platform/soc/soc:firmware/get_throttled";
const pi4 = {
  "/proc/device-tree/compatible": "raspberrypi,4-model-b\0brcm,bcm2711\0",
  "/sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
  "/sys/class/thermal/thermal_zone0/temp": "61700\n",
  "/sys/class/hwmon/hwmon0/name": "cpu_thermal\n",
  "/sys/class/hwmon/hwmon1/name": "rpi_volt\n",
  "/sys/class/hwmon/hwmon1/in0_lcrit_alarm": "0\n",
  [flags]: "0\n",
};

/** Looks at a board of these files until told otherwise. */
async function look(files: Readonly<Record<string, string>>): Promise<readonly HealthItem[]> {
  await using root = await makeFakeRoot(files);
  const events: StatusEvent[] = [];
  const controller = new AbortController();
  await watchHealth(
    {
      root: openRoot(root.directory),
      stateDirectory: "/",
      report: (event) => {
        events.push(event);
        controller.abort();
      },
    },
    controller.signal,
  );
  const [event] = events;
  return event?.type === "health" ? event.health.items : [];
}

const item = (items: readonly HealthItem[], name: string) => items.find((item) => item.name === name);

describe("the health of a Raspberry Pi 4", () => {
  it("is read from where its profile says", async () => {
    const items = await look(pi4);
    expect(item(items, "processor")).toMatchObject({ level: "ok", value: 61.7, shown: "62 °C", advice: "" });
    expect(item(items, "supply voltage now")).toMatchObject({ level: "ok", value: 0, shown: "no" });
    expect(item(items, "throttled now")).toMatchObject({ level: "ok", value: 0 });
  });

  it.each([
    ["0x50005", "supply voltage since power-on", "critical", "yes", true],
    ["50000", "supply voltage since power-on", "warning", "not now, but since power-on", false],
    ["50000", "throttled since power-on", "warning", "not now, but since power-on", false],
    ["50000", "throttled now", "ok", "no", undefined],
    ["4", "throttled now", "warning", "yes", true],
    ["80008", "throttled now", "warning", "yes", true],
  ] as const)("with the flags %s says of %s: %s", async (word, name, level, shown, isNow) => {
    const found = item(await look({ ...pi4, [flags]: `${word}\n` }), name);
    expect(found).toMatchObject({ level, shown });
    expect(found?.isNow).toBe(isNow);
  });

  it("is hot and in danger with an advice", async () => {
    const zone = "/sys/class/thermal/thermal_zone0/temp";
    const items = await look({ ...pi4, [zone]: "84000", "/sys/class/hwmon/hwmon1/in0_lcrit_alarm": "1" });
    expect(item(items, "processor")).toMatchObject({ level: "critical" });
    expect(item(items, "processor")?.advice).toMatch(/heat sink/);
    expect(item(items, "supply voltage now")).toMatchObject({ level: "critical" });
  });

  it.each(["garbage", "", "1.5e9", "-400000", "\0\u0001", "9".repeat(1000)])(
    "is unreadable where a sensor gives %j",
    async (content) => {
      const items = await look({
        ...pi4,
        "/sys/class/thermal/thermal_zone0/temp": content,
        [flags]: content,
      });
      for (const name of ["processor", "throttled now"])
        expect(item(items, name)).toMatchObject({ level: "unknown", shown: "unreadable", advice: "" });
    },
  );

  it("is not known where there are no files at all", async () => {
    const items = await look({});
    for (const { name, level, shown } of items)
      if (name !== "state disk") expect([name, level, shown]).toEqual([name, "unknown", "not known here"]);
  });
});

describe("the health of any Linux", () => {
  it("is read from files that are there everywhere", async () => {
    const items = await look({
      "/proc/meminfo": "MemTotal: 1000000 kB\nMemAvailable: 120000 kB\n",
      "/proc/pressure/memory": "some avg10=0.00 avg60=50.00 avg300=0.00 total=1\n",
      "/sys/block/mmcblk0/device/life_time": "0x09 0x01\n",
      "/sys/block/mmcblk0/device/pre_eol_info": "0x01\n",
      "/proc/net/wireless": "a\nb\n wlan0: 0000 30. -88. -256 0 0 0 0 0 0\n",
      "/run/systemd/timesync/synchronized": "",
    });
    expect(item(items, "memory")).toMatchObject({
      level: "warning",
      value: 12,
      shown: "123 MB (12 %) available",
    });
    expect(item(items, "memory pressure")).toMatchObject({ level: "critical", value: 50 });
    expect(item(items, "flash wear")).toMatchObject({ level: "warning", value: 80 });
    expect(item(items, "WiFi signal")).toMatchObject({ level: "critical", shown: "wlan0 -88 dBm" });
    expect(item(items, "clock")).toMatchObject({ level: "ok", shown: "synchronised" });
    expect(item(items, "state disk")?.value).toBeGreaterThan(0);
  });

  it("says so while the clock waits for a time server", async () => {
    const items = await look({ "/run/systemd/timesync/other": "" });
    expect(item(items, "clock")).toMatchObject({ level: "warning", shown: "not synchronised" });
  });

  it("counts the use of the processors between two looks, and the room on the disk", async () => {
    await using root = await makeFakeRoot({ "/proc/stat": "cpu 100 0 0 900 0 0 0 0\n" });
    let free = 300e6;
    const monitor = new HealthMonitor(
      systemGauges(openRoot(root.directory), "/var/lib/spotlive", () => Promise.resolve(free)),
    );
    const first = await monitor.look();
    expect(item(first.health.items, "processor use")).toMatchObject({ level: "unknown" });
    await root.write({ "/proc/stat": "cpu 1070 0 0 930 0 0 0 0\n" });
    free = 200e6;
    const second = await monitor.look();
    expect(item(second.health.items, "processor use")).toMatchObject({ level: "warning", value: 97 });
    expect(second.changed.map(({ name }) => name)).toEqual(["processor use", "state disk"]);
    free = 260e6;
    expect((await monitor.look()).changed).toEqual([]);
  });
});

const reading = (change: Partial<HealthReading>): HealthReading => ({
  ...{ kind: "throttling", name: "over-current", where: { path: "/count" }, format: "counter" },
  ...{ scale: 1, unit: "", meaning: "M.", ...change },
});

describe("a look", () => {
  it("takes a counter's rises of the last minute", async () => {
    await using root = await makeFakeRoot({ "/count": "7" });
    let seconds = 0;
    const gauges = profileGauges(openRoot(root.directory), [reading({})], () => seconds * 1e6);
    const monitor = new HealthMonitor(gauges, { now: () => seconds * 1e6 });
    const levels: unknown[] = [];
    for (const [at, count] of [
      [0, "7"],
      [10, "9"],
      [60, "9"],
      [71, "9"],
      [80, "0"],
      [90, "1"],
    ] as const) {
      seconds = at;
      await root.write({ "/count": count });
      const { health } = await monitor.look();
      levels.push([health.items[0]?.value, health.items[0]?.level, health.strain]);
    }
    expect(levels).toEqual([
      [0, "ok", 0],
      [2, "warning", 1],
      [2, "warning", 2],
      [0, "ok", 2],
      [0, "ok", 2],
      [1, "warning", 3],
    ]);
  });

  it("tells a change once, also when the sensor goes away in between", async () => {
    const zone = "/zone";
    await using root = await makeFakeRoot({ [zone]: "90000" });
    const temperature = reading({
      ...{ kind: "temperature", name: "t", where: { path: zone }, format: "number" },
      ...{ scale: 0.001, unit: "°C", warn: 80 },
    });
    const monitor = new HealthMonitor(profileGauges(openRoot(root.directory), [temperature]));
    const told = ({ changed }: HealthLook) => changed.map(({ level }) => level);
    expect(told(await monitor.look())).toEqual(["warning"]);
    await root.remove(zone);
    expect(told(await monitor.look())).toEqual([]);
    await root.write({ [zone]: "91000" });
    expect(told(await monitor.look())).toEqual([]);
    await root.write({ [zone]: "60000" });
    expect(told(await monitor.look())).toEqual(["ok"]);
  });

  it("goes on without a sensor that hangs, and asks it only once", async () => {
    let asked = 0;
    const hanging = {
      ...({ name: "stuck", kind: "temperature", advice: "" } as const),
      read: () => {
        asked += 1;
        return new Promise<never>(() => {});
      },
    };
    const monitor = new HealthMonitor([hanging], { limitMs: 5 });
    await monitor.look();
    const { health } = await monitor.look();
    expect(health).toMatchObject({ level: "unknown", items: [{ shown: "unreadable" }] });
    expect(asked).toBe(1);
  });

  it("finds a voltage below its limits, and a text that is only told", async () => {
    await using root = await makeFakeRoot({ "/in0": "4700", "/mode": "pmode:0001\u001b[31m\nmore\n" });
    const voltage = reading({
      ...{ kind: "undervoltage", name: "5 V", where: { path: "/in0" }, format: "number" },
      ...{ scale: 0.001, unit: "V", warn: 4.75, critical: 4.6 },
    });
    const mode = reading({ kind: "power-mode", name: "mode", where: { path: "/mode" }, format: "text" });
    const { health } = await new HealthMonitor(
      profileGauges(openRoot(root.directory), [voltage, mode]),
    ).look();
    expect(health.items).toMatchObject([
      { level: "warning", shown: "4.70 V" },
      { level: "ok", shown: "pmode:0001?[31m" },
    ]);
    expect(health.strain).toBe(0);
  });
});
