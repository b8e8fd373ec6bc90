import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { loadProfiles } from "../../../src/boards/catalogue.ts";
import { parseProfile } from "../../../src/boards/profile.ts";
import { Fault } from "../../../src/domain/fault.ts";
import { temporaryFiles } from "../../helpers/boards.ts";

const smallest = "title: A\nverified: false\nh264: { decoder: none, encoder: none }\nmatch: {}\n";
const chain = `
  - name: one
    runner: ffmpeg
    encode: { codec: h264_v4l2m2m }
    limits: { width: 1920, height: 1080, fps: 30, bitsPerSecond: 8000000 }`;

/** `rate`: a key or nothing; `property`: what the encoder is given. */
const gstreamer = (rate: string, property: string): string => `
  - name: two
    runner: gstreamer
    decode: [{ element: v4l2h264dec }]
    caps: video/x-raw
    encode: [{ element: v4l2h264enc, properties: { extra-controls: "controls, ${property}" } }]
    ${rate}
    limits: { width: 1920, height: 1080, fps: 30, bitsPerSecond: 8000000 }`;

function faultOf(content: string): string {
  try {
    parseProfile(content, "/p/board.yaml");
  } catch (error) {
    if (error instanceof Fault) return `${error.code} ${error.message}`;
    throw error;
  }
  return "no fault";
}

describe("a hardware profile", () => {
  it("needs little", () => {
    const { profile, hash } = parseProfile(smallest, "/p/board.yaml");
    expect(profile).toMatchObject({ name: "board", chains: [], match: { dmi: {}, devices: [] }, quirks: [] });
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it("tells a GStreamer encoder its rate in one of two ways", () => {
    expect(faultOf(`${smallest}chains:${gstreamer("", "a={bitrate}")}\n`)).toBe("no fault");
    const property = "bitrate: { property: bitrate, bitsPerUnit: 1000 }";
    expect(faultOf(`${smallest}chains:${gstreamer(property, "a=1")}\n`)).toBe("no fault");
  });

  it.each([
    ["/p/board.yaml: colour: there is no such key.", "colour: red\n"],
    ["chain: there is no such key. Did you mean chains", "chain: []\n"],
    ["chains: expected a list of 0 to 64, got 3", "chains: 3\n"],
    [
      'chains[0].runner: expected ffmpeg, gstreamer, got "ffmpg". Did you mean ffmpeg',
      `chains:${chain.replace("ffmpeg", "ffmpg")}\n`,
    ],
    [
      "chains[0].limits.width: expected a whole number from 16 to 8192, got 1920.5",
      `chains:${chain.replace("1920", "1920.5")}\n`,
    ],
    [
      "chains[0].encode.codec: expected the name of an ffmpeg codec",
      `chains:${chain.replace("h264_v4l2m2m", "-i /etc/passwd")}\n`,
    ],
    [
      "chains[0]: expected bitrate, or {bitrate} in a property of encode, one of them",
      `chains:${gstreamer("", "a=1")}\n`,
    ],
    [
      "chains[0]: expected bitrate, or {bitrate} in a property of encode, one of them",
      `chains:${gstreamer("bitrate: { property: bitrate, bitsPerUnit: 1 }", "a={bitrate}")}\n`,
    ],
    ["chains: expected names of their own, got one twice", `chains:${chain}${chain}\n`],
    [
      "chains[0].encode: expected a group of keys, got nothing",
      `chains:${chain.replace("encode", "decode")}\n`,
    ],
    [
      "health[0]: expected one of thermalZone, path, or hwmon with file",
      "health: [{ kind: temperature, name: a, meaning: b }]\n",
    ],
    ["quirks[0].source: expected a text, got nothing", "quirks: [{ text: a }]\n"],
    ["not valid YAML", "a: b: c\n"],
  ])("is refused with file, key, expected and got: %s", (message, more) => {
    expect(faultOf(smallest + more)).toContain(message);
    expect(faultOf(smallest + more)).toMatch(/^config-invalid \/p\/board\.yaml: /);
  });

  it("throws nothing but a fault, whatever the file says", () => {
    const keys = fc.constantFrom(
      "title",
      "match",
      "chains",
      "health",
      "quirks",
      "runner",
      "name",
      "__proto__",
    );
    const value = fc.letrec((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(null, true, 1, -0.5, "ffmpeg", "/dev/x", ""),
        fc.array(tie("node"), { maxLength: 3 }),
        fc.dictionary(keys, tie("node"), { maxKeys: 4 }),
      ),
    })).node;
    fc.assert(fc.property(value, (content) => void faultOf(JSON.stringify(content))));
    fc.assert(fc.property(fc.string(), (content) => void faultOf(content)));
  });
});

describe("the profiles of the product", () => {
  it("are right, and say what has no hardware", async () => {
    const profiles = new Map((await loadProfiles()).map(({ profile }) => [profile.name, profile]));
    expect([...profiles.keys()]).toEqual([
      ...["jetson-nano-2gb", "jetson-nano", "jetson-orin-nano"],
      ...["raspberry-pi-3", "raspberry-pi-4", "raspberry-pi-5", "software", "x86-vaapi"],
    ]);
    expect(profiles.get("raspberry-pi-5")).toMatchObject({
      chains: [],
      h264: { decoder: "none", encoder: "none" },
    });
    const orin = profiles.get("jetson-orin-nano");
    expect(orin?.h264).toEqual({ decoder: "NVDEC", encoder: "none" });
    expect(JSON.stringify(orin?.chains)).not.toMatch(/nvv4l2h264enc|h264_nvmpi|h264_nvenc/);
    for (const profile of profiles.values())
      for (const { source } of profile.quirks) expect(source).toMatch(/^https:\/\//);
  });

  it("name no encoder in software that the playbook does not install", async () => {
    const url = new URL("../../../ansible/group_vars/jetson.yml", import.meta.url);
    const group = parse(await readFile(url, "utf8")) as { readonly media_packages: readonly string[] };
    const packages = { x264enc: "gstreamer1.0-plugins-ugly", openh264enc: "gstreamer1.0-plugins-bad" };
    for (const { profile } of await loadProfiles())
      for (const [element, name] of Object.entries(packages))
        if (profile.name.startsWith("jetson") && JSON.stringify(profile.chains).includes(`"${element}"`))
          expect(group.media_packages, profile.name).toContain(name);
  });

  it("are refused as a whole when one of them is wrong, or software is missing", async () => {
    await using wrong = await temporaryFiles({ "a.yaml": "title: 3", "software.yaml": smallest });
    await expect(loadProfiles(wrong.folder)).rejects.toThrow(/a\.yaml: title: expected a text, got 3/);
    await using none = await temporaryFiles({ "board.yaml": smallest });
    await expect(loadProfiles(none.folder)).rejects.toThrow(
      "There is no hardware profile software with a chain.",
    );
    await expect(loadProfiles(`${none.folder}/nowhere`)).rejects.toThrow(/cannot be read: ENOENT/);
  });
});
