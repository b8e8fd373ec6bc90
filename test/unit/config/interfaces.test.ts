import { describe, expect, it } from "vitest";
import { readBootFile } from "../../../src/config/boot-file.ts";
import type { BootFile } from "../../../src/config/boot-file.ts";
import type { Config } from "../../../src/config/config.ts";
import { parseConfig } from "../../../src/config/load.ts";

const login = "spot: { username: me, password: secret";
const wifi = "country: DE, wifi: [{ name: phone, password: 12345678 }]".replace("12345678", '"12345678"');

const readBoot = (text: string): Promise<BootFile> =>
  readBootFile(text, {
    ...{ file: "spotlive.yaml", home: "/data/current", boot: "/boot" },
    ...{ secret: () => undefined, locate: () => Promise.resolve(undefined) },
  });

/** What the service is told, with the secrets that lie elsewhere put in. */
async function serviceOf(text: string): Promise<Config> {
  const { service } = await readBoot(text);
  return parseConfig(service.replace(/passwordFile: .*/, "password: secret"), "service.yaml", {});
}

describe("the interfaces of a boot file", () => {
  it("are told to the service: the robot's, and the uplinks with the WiFi first", async () => {
    const config = await serviceOf(
      `${login} }\ndevice: { robotInterface: eth1, uplinks: [usb0, eth0], ${wifi} }`,
    );
    expect(config.source).toMatchObject({ interface: "eth1" });
    expect(config.uplinks).toEqual(["wlan0", "usb0", "eth0"]);
  });

  it("do not speak of a WiFi without networks", async () => {
    expect((await serviceOf(`${login} }\ndevice: { uplinks: [usb0] }`)).uplinks).toEqual(["usb0"]);
  });

  it("give way to what the file tells the service itself", async () => {
    const config = await serviceOf(`${login}, interface: eth7 }\nuplinks: [wwan0]\ndevice: { ${wifi} }`);
    expect(config.source).toMatchObject({ interface: "eth7" });
    expect(config.uplinks).toEqual(["wwan0"]);
  });

  it("lead to the addresses of robot and camera, each once; a name has none", async () => {
    const hosts = async (spot: string): Promise<readonly string[]> =>
      (await readBoot(`${login}${spot} }`)).device.robotHosts;
    expect(await hosts("")).toEqual(["192.168.50.3"]);
    expect(await hosts(", host: 10.0.0.3, cameraHost: 10.0.0.3")).toEqual(["10.0.0.3"]);
    expect(await hosts(", host: robot.local, cameraHost: 10.0.0.4")).toEqual(["10.0.0.4"]);
    const file = await readBoot("source: file\nfile: { path: /a.h264 }");
    expect(file.device.robotHosts).toEqual([]);
    expect(file.service).not.toContain("interface:");
  });

  it.each([
    [["usb0", "eth0"], "device.uplinks[1]: expected another interface, got eth0, which is the robot's"],
    [["wlan0"], "device.uplinks[0]: expected another interface, got wlan0, which is the WiFi's"],
    [
      ["usb0", "usb0"],
      "device.uplinks[1]: expected another interface, got usb0, which is in the list already",
    ],
    [["usb 0"], "device.uplinks: expected a list of at most 8 names of network interfaces"],
    [Array.from({ length: 9 }, (_, index) => `eth${index + 1}`), "expected a list of at most 8 names"],
  ])("are refused, and that once: %j", async (uplinks, message) => {
    const error: unknown = await readBoot(
      `${login} }\ndevice: { uplinks: ${JSON.stringify(uplinks)} }`,
    ).catch((error: unknown) => error);
    expect(error).toMatchObject({ code: "config-invalid", message: expect.stringContaining(message) });
    expect(String(error)).toContain("has a problem:");
  });
});

describe("the uplinks of the configuration", () => {
  it.each([
    ["uplinks: [wlan0, wlan0]", "uplinks[1]: expected another interface, got wlan0 again"],
    ["uplinks: [wlan0, eth0]", "uplinks[1]: expected another interface, got eth0, which is the robot's"],
  ])("are refused: %s", async (uplinks, message) => {
    await expect(parseConfig(`${login}, interface: eth0 }\n${uplinks}`, "x.yaml", {})).rejects.toThrow(
      message,
    );
  });
});
