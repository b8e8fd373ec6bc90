import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadUplinkConfig } from "../../../src/config/uplink-config.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "uplink-config-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function load(text: string): ReturnType<typeof loadUplinkConfig> {
  const path = join(folder, "spotlive.yaml");
  await writeFile(path, text);
  return await loadUplinkConfig(path, {});
}
const twitch = { host: "ingest.twitch.tv", port: 443, tls: true };

describe("what the uplinks are asked for", () => {
  it.each([
    ["Twitch without an output", "outputs: []", [twitch]],
    ["Twitch for its outputs", "outputs: [{ streamKeyFile: /nowhere }]", [twitch]],
    [
      "the ingests, at their ports, without the application",
      `outputs:
  - { name: a, url: "rtmp://host.example/app", streamKey: live_canary }
  - { name: b, url: "rtmps://host.example/app/secret" }
  - { name: c, url: "rtmps://[fd00::1]:1936/app", caFile: /own.pem }
  - { name: d, kind: twitch, ingest: "rtmps://near.example/app" }`,
      [
        { host: "host.example", port: 1935, tls: false },
        { host: "host.example", port: 443, tls: true },
        { host: "fd00::1", port: 1936, tls: false },
        { host: "near.example", port: 443, tls: true },
      ],
    ],
  ])("is %s", async (_, text, targets) => {
    const config = await load(`spot: { interface: eth0 }\nuplinks: [wlan0, usb0]\n${text}\n`);
    expect(config).toEqual({ robotInterface: "eth0", uplinks: ["wlan0", "usb0"], targets, logLevel: "info" });
  });

  it("is read without any file that holds a secret, and with every mistake named", async () => {
    const text = "spot: { interface: eth0, passwordFile: /nowhere }\nuplinks: [eth0, usb0, usb0]\n";
    await expect(load(text)).rejects.toThrow(
      /has 2 problems:\n.*uplinks\[0\]: expected another interface, got eth0, which is the robot's\n.*uplinks\[2\]/,
    );
    await expect(loadUplinkConfig(join(folder, "none"), {})).rejects.toThrow(
      "There is no configuration file",
    );
  });
});
