import { mkdir, readdir, readFile, readlink, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openBootPartition, isMountedReadOnly } from "../../../src/device/boot-partition.ts";
import type { Mounts } from "../../../src/device/boot-partition.ts";
import { readEarlyRecord } from "../../../src/device/early-record.ts";
import { checkLines } from "../../../src/device/file-system-check.ts";
import { takeOver } from "../../../src/device/power-on.ts";
import type { PowerOn, PowerOnOptions } from "../../../src/device/power-on.ts";
import { findUser } from "../../../src/device/service-user.ts";
import type { Disk } from "../../../src/device/disk.ts";
import { fastDisk, makeDevice } from "./helpers.ts";
import type { Device } from "./helpers.ts";

const bootFile = (device: string): string =>
  `spot: { username: me, password: robot-canary }\noutputs: []\ndevice: ${device}\n`;
const wifi = `wifi: [{ name: phone, password: wifi-canary }]`;

/** A partition that is mounted read-only, and refuses writes while it is. */
function readOnly(boot: string): { readonly mounts: Mounts; readonly disk: Disk; readonly ways: string[] } {
  const ways: string[] = [];
  const isOpen = (): boolean => ways.at(-1) === "rw";
  const mounts: Mounts = {
    isReadOnly: async () => !isOpen(),
    isInMemory: async () => false,
    remount: async (_, way) => void ways.push(way),
  };
  const guarded =
    <A extends unknown[]>(write: (path: string, ...args: A) => Promise<void>) =>
    async (path: string, ...args: A): Promise<void> => {
      if (path.startsWith(boot) && !isOpen()) throw new Error("EROFS: read-only file system");
      await write(path, ...args);
    };
  const disk: Disk = {
    ...fastDisk,
    writeFile: guarded(fastDisk.writeFile),
    rename: guarded(fastDisk.rename),
    remove: guarded(fastDisk.remove),
  };
  return { mounts, disk, ways };
}

interface Turn {
  readonly result: PowerOn;
  readonly ways: readonly string[];
  readonly told: readonly string[];
}

async function powerOn(device: Device, options: Partial<PowerOnOptions> = {}): Promise<Turn> {
  const { mounts, disk, ways } = readOnly(device.boot);
  const told: string[] = [];
  const result = await takeOver({
    ...{ boot: device.boot, data: device.data, backend: "networkd", mounts, disk },
    user: undefined,
    system: join(device.boot, "../system"),
    record: join(device.boot, "../record"),
    bootId: "abc",
    kernel: {
      setHostname: async (name) => void told.push(name),
      setCountry: async (country) => void told.push(country),
    },
    facts: async () => [["Board", "a board"]],
    uptime: () => 6.04,
    now: () => undefined,
    ...options,
  });
  return { result, ways, told };
}

const system = (device: Device, path: string): Promise<string> =>
  readFile(join(device.boot, "../system", path), "utf8");

async function withSystem(device: Device): Promise<void> {
  const root = join(device.boot, "../system");
  for (const folder of ["etc", "sys/module/cfg80211", "usr/share/zoneinfo/Europe"])
    await mkdir(join(root, folder), { recursive: true });
  await writeFile(join(root, "usr/share/zoneinfo/Europe/Berlin"), "");
  await writeFile(join(root, "etc/hosts"), "127.0.0.1 localhost\n127.0.1.1\tspotlive\n");
}

describe("power-on", () => {
  it("takes the boot file over, gives it to the system, and leaves the partition read-only", async () => {
    await using device = await makeDevice();
    await withSystem(device);
    await device.put(
      "spotlive.yaml",
      bootFile(`{ hostname: robot-7, country: DE, timeZone: Europe/Berlin, ${wifi} }`),
    );
    const { result, ways, told } = await powerOn(device);
    expect(result).toMatchObject({ outcome: "adopted", isInForce: true, adopted: 6, warnings: [] });
    expect(ways).toEqual(["rw", "ro"]);
    expect(told).toEqual(["robot-7", "DE"]);
    expect(await system(device, "etc/hostname")).toBe("robot-7\n");
    expect(await system(device, "etc/hosts")).toBe("127.0.0.1 localhost\n127.0.1.1 robot-7\n");
    expect(await readlink(join(device.boot, "../system/etc/localtime"))).toBe(
      "../usr/share/zoneinfo/Europe/Berlin",
    );
    expect(await system(device, "run/systemd/network/10-spotlive-robot.network")).toContain("UseRoutes=no");
    const wpa = "etc/wpa_supplicant/wpa_supplicant-wlan0.conf";
    expect(await system(device, wpa)).toContain('psk="wifi-canary"');
    expect((await stat(join(device.boot, "../system", wpa))).mode & 0o777).toBe(0o600);
    expect(await system(device, "etc/modprobe.d/spotlive-wifi.conf")).toContain("ieee80211_regdom=DE");
    const report = (await device.files("boot"))["boot-report.txt"];
    for (const text of ["adopted 6.0 s", "Boot file: spotlive.yaml is in force.", "Board: a board"])
      expect(report).toContain(text);
    expect(report).not.toContain("canary");
    expect(await readEarlyRecord(join(device.boot, "../record"), "abc")).toMatchObject({ adopted: 6 });
    expect(await readEarlyRecord(join(device.boot, "../record"), "another")).toBeUndefined();
  });

  it("takes away what an earlier boot file brought, and nothing else", async () => {
    await using device = await makeDevice();
    await withSystem(device);
    await device.put("spotlive.yaml", bootFile(`{ country: DE, ${wifi} }`));
    await powerOn(device);
    const own = join(device.boot, "../system/etc/wpa_supplicant/wpa_supplicant-wlan1.conf");
    await writeFile(own, "# mine\n");
    await device.put("spotlive.yaml", bootFile("{ hostname: robot-8 }"));
    await powerOn(device);
    expect(await readdir(join(device.boot, "../system/etc/wpa_supplicant"))).toEqual([
      "wpa_supplicant-wlan1.conf",
    ]);
    expect(await readdir(join(device.boot, "../system/etc/modprobe.d"))).toEqual([]);
    expect(await readdir(join(device.boot, "../system/run/systemd/network"))).toEqual([
      "10-spotlive-robot.network",
    ]);
  });

  it("puts the last good one in place where the boot file is wrong", async () => {
    await using device = await makeDevice();
    await withSystem(device);
    await device.put("spotlive.yaml", bootFile("{ hostname: robot-7 }"));
    await device.adopt();
    await device.put("spotlive.yaml", bootFile("{ hostname: -7, country: Germany }"));
    const { result, ways } = await powerOn(device);
    expect(result).toMatchObject({ outcome: "refused", isInForce: true });
    expect(ways).toEqual(["rw", "ro"]);
    expect(await system(device, "etc/hostname")).toBe("robot-7\n");
    const files = await device.files("boot");
    expect(files["spotlive-problems.txt"]).toContain("device.country");
    expect(files["boot-report.txt"]).toMatch(/Boot file: NOT TAKEN OVER\. .*[^]*Boot file: .*stays so/);
  });

  it("says what to do where there is no boot file and never was", async () => {
    await using device = await makeDevice();
    await withSystem(device);
    const { result } = await powerOn(device);
    expect(result).toMatchObject({ outcome: "absent", isInForce: false });
    expect(await system(device, "etc/hosts")).toContain("spotlive");
    const files = await device.files("boot");
    expect(files["spotlive-problems.txt"]).toContain("There is no spotlive.yaml on the boot partition.");
    expect(files["boot-report.txt"]).toContain("CANNOT START without a boot file");
  });

  it("takes no secret away into memory, where the data partition is not there", async () => {
    await using device = await makeDevice();
    await device.put("spotlive.yaml", bootFile("{}"));
    const { mounts, disk } = readOnly(device.boot);
    const inMemory = { ...mounts, isInMemory: async () => true };
    const { result } = await powerOn(device, { disk, mounts: inMemory });
    expect(result).toMatchObject({ outcome: "failed", isInForce: false });
    const files = await device.files("boot");
    expect(files["spotlive.yaml"]).toContain("robot-canary");
    expect(files["boot-report.txt"]).toContain("got a folder in memory");
  });

  it("goes on where the data partition fails, and makes the boot partition read-only again", async () => {
    await using device = await makeDevice();
    await device.put("spotlive.yaml", bootFile("{}"));
    const { mounts, disk, ways } = readOnly(device.boot);
    const failing: Disk = {
      ...disk,
      async writeFile(path, content, mode) {
        if (path.startsWith(device.data)) throw new Error("EIO: i/o error");
        await disk.writeFile(path, content, mode);
      },
    };
    const { result } = await powerOn(device, { disk: failing, mounts });
    expect(result.text).toContain("EIO: i/o error");
    expect(ways).toEqual(["rw", "ro"]);
    expect((await device.files("boot"))["boot-report.txt"]).toContain("NOT TAKEN OVER. The boot file cannot");
  });

  it("does all the rest where the boot partition cannot be made writable, and says so", async () => {
    await using device = await makeDevice();
    await withSystem(device);
    await device.put("spotlive.yaml", bootFile("{ hostname: robot-7 }"));
    const { mounts, disk } = readOnly(device.boot);
    const locked: Mounts = { ...mounts, remount: () => Promise.reject(new Error("the card is locked")) };
    const { result } = await powerOn(device, { disk, mounts: locked });
    expect(result).toMatchObject({ outcome: "adopted", isInForce: true });
    expect(result.warnings.join("\n")).toContain("the card is locked");
    expect(await system(device, "etc/hostname")).toBe("robot-7\n");
  });

  it("lets the service's group read what is the service's, and nobody what is the WiFi's", async () => {
    await using device = await makeDevice();
    await device.put("spotlive.yaml", bootFile(`{ country: DE, ${wifi} }`));
    const group = process.getgid?.() ?? 0;
    await powerOn(device, { user: { user: 0, group }, system: undefined });
    const mode = async (path: string): Promise<string> =>
      ((await stat(join(device.data, "current", path))).mode & 0o777).toString(8);
    expect(await mode("spotlive.yaml")).toBe("640");
    expect(await mode("secrets")).toBe("750");
    expect(await mode("secrets/spot.password")).toBe("640");
    const names = await readdir(join(device.data, "current/secrets"));
    const ofWifi = names.find((name) => name.startsWith("wifi."));
    expect(await mode(`secrets/${ofWifi}`)).toBe("600");
    expect(await mode("system/wpa_supplicant/wpa_supplicant-wlan0.conf")).toBe("600");
  });
});

describe("the boot partition", () => {
  it("is not opened for nothing", async () => {
    await using device = await makeDevice();
    const { mounts, disk, ways } = readOnly(device.boot);
    {
      await using partition = openBootPartition(device.boot, disk, mounts, () => {});
      await partition.disk.writeFile(join(device.data, "elsewhere"), "", 0o600);
    }
    expect(ways).toEqual([]);
  });

  it("is known to be read-only by what is mounted there last", () => {
    const line = (place: string, options: string): string =>
      `36 35 8:1 / ${place} ${options} shared:1 - vfat /dev/sda1 rw,fmask=0177`;
    const info = [line("/", "rw"), line("/boot/my\\040card", "rw"), line("/boot/my\\040card", "ro,noatime")];
    expect(isMountedReadOnly(info.join("\n"), "/boot/my card")).toBe(true);
    expect(isMountedReadOnly(info.slice(0, 2).join("\n"), "/boot/my card")).toBe(false);
    expect(isMountedReadOnly(info.join("\n"), "/boot")).toBe(false);
  });
});

describe("what is known of the machine", () => {
  it("has the number of a user, and none for who is not there", async () => {
    await using device = await makeDevice();
    await mkdir(join(device.data, "etc"));
    await writeFile(
      join(device.data, "etc/passwd"),
      "root:x:0:0::/root:/bin/sh\nspotlive:x:997:996::/:/bin/false\n",
    );
    expect(await findUser(device.data, "spotlive")).toEqual({ user: 997, group: 996 });
    expect(await findUser(device.data, "spot")).toBeUndefined();
  });

  it("has of a file system's check what is about the file system", () => {
    const said = "fsck.fat 4.2 (2021-01-31)\ne2fsck 1.47.2 (1-Jan-2025)\ndata: recovering journal\n\n";
    expect(checkLines(said)).toEqual([["File system check", "data: recovering journal"]]);
    expect(checkLines("x\n".repeat(100))).toHaveLength(8);
  });
});
