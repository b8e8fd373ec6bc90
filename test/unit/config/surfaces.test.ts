import { describe, expect, it } from "vitest";
import type { Config } from "../../../src/config/config.ts";
import { parseConfig } from "../../../src/config/load.ts";

const base = "source: file\nfile: { path: /tmp/a.mp4 }\n";
const parse = (text: string): Promise<Config> => parseConfig(base + text, "spotlive.yaml", {});

describe("the configuration of the surfaces", () => {
  it("has none of them unless they are asked for", async () => {
    expect(await parse("")).toMatchObject({ http: undefined, mqtt: undefined, chat: undefined, presets: {} });
  });

  it("reads camera positions by name", async () => {
    const { presets } = await parse(
      "camera: { presets: [{ name: home, pan: 0, tilt: 10 }, { name: far, zoom: 20 }] }",
    );
    expect(presets).toEqual({ home: { pan: 0, tilt: 10 }, far: { zoom: 20 } });
  });

  it("reads several brokers and names this device by the machine", async () => {
    const { mqtt } = await parse("mqtt: { url: 'mqtts://a.example, mqtts://b.example:8883' }");
    expect(mqtt?.urls).toEqual(["mqtts://a.example", "mqtts://b.example:8883"]);
    expect(mqtt?.deviceId).toMatch(/^spotlive-[0-9a-f]{8}$/);
  });

  it("reads the tiers of chat commands", async () => {
    const { chat } = await parse(
      "chat: { channel: robots, clientId: abc, permissions: [cam=everyone, start=vip] }",
    );
    expect(chat?.permissions).toEqual({ cam: "everyone", start: "vip" });
  });

  it("reads the names that a proxy passes on", async () => {
    expect((await parse("http: { port: 8080, allowedHosts: [spotlive.lan] }")).http?.allowedHosts).toEqual([
      "spotlive.lan",
    ]);
  });

  it.each([
    ["camera: { presets: [{ name: home, pan: 999 }] }", /camera\.presets/],
    ["camera: { presets: [{ name: 'a b' }] }", /camera\.presets/],
    ["chat: { channel: robots }", /chat\.clientId/],
    ["chat: { permissions: [cam=nobody] }", /chat\.permissions/],
    ["mqtt: { url: 'mqtt://user:secret@broker' }", /mqtt\.url/],
    ["mqtt: { url: 'mqtt://broker', baseTopic: homeassistant }", /mqtt\.discoveryPrefix/],
    ["http: { port: 0 }", /http\.port/],
    ["http: { port: 8080, allowedHosts: ['a b'] }", /http\.allowedHosts/],
  ])("refuses %s and names the key", async (text, key) => {
    await expect(parse(text)).rejects.toThrow(key);
  });
});
