import { cp, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { loadProfiles, shippedProfiles } from "../../../src/boards/catalogue.ts";
import { readBoardFacts } from "../../../src/boards/facts.ts";
import { chooseProfile } from "../../../src/boards/match.ts";
import type { ProfileChoice } from "../../../src/boards/match.ts";
import { openRoot } from "../../../src/boards/root.ts";
import { boardFixture, temporaryFiles } from "../../helpers/boards.ts";

async function choose(directory: string, profiles = shippedProfiles): Promise<ProfileChoice> {
  const root = openRoot(directory);
  return chooseProfile(await readBoardFacts(root), root, await loadProfiles(profiles));
}

const boards = [
  ["jetson-nano", "the device tree says nvidia,p3449-0000-b00+p3448-0000-b00"],
  ["jetson-nano-2gb", "the device tree says nvidia,p3542-0000+p3448-0003"],
  ["jetson-orin-nano", "the device tree says nvidia,p3768-0000+p3767-0005-super"],
  ["raspberry-pi-3", "the device tree says raspberrypi,3-model-b-plus"],
  ["raspberry-pi-4", "the device tree says raspberrypi,4-model-b"],
  ["raspberry-pi-5", "the device tree says raspberrypi,5-model-b"],
  ["x86-vaapi", "the processor is of GenuineIntel, /dev/dri/renderD128 exists"],
  ["software", "it fits every machine"],
] as const;

describe("the profile of a board", () => {
  it.each(boards)("is %s by its own files, and each other one is explained", async (name, why) => {
    const { chosen, why: told, others } = await choose(boardFixture(name));
    expect([chosen.profile.name, told]).toEqual([name, why]);
    expect(others.map(({ name }) => name)).toHaveLength(boards.length - 1);
    for (const { reason } of others) expect(reason).toMatch(/^[A-Z/].{10,}\.$/);
  });

  it("is the more specific one of two that fit: the 2 GB Nano is a Nano too", async () => {
    const { others } = await choose(boardFixture("jetson-nano-2gb"));
    const nano = others.find(({ name }) => name === "jetson-nano");
    expect(nano?.reason).toBe(
      "It fits too (the device tree says nvidia,jetson-nano), but less specifically.",
    );
  });

  it("is not the Orin Nano's for an Orin NX, which has an encoder and sits on the same carrier", async () => {
    await using nx = await temporaryFiles({
      "proc/device-tree/compatible": "nvidia,p3768-0000+p3767-0000\0nvidia,p3767-0000\0nvidia,tegra234\0",
    });
    expect((await choose(nx.folder)).chosen.profile.name).toBe("software");
  });

  it("is a new one for a new file, without a line of code", async () => {
    await using profiles = await temporaryFiles({});
    await cp(shippedProfiles, profiles.folder, { recursive: true });
    const yaml = `title: Radxa Zero 3
verified: false
h264: { decoder: VPU, encoder: VPU }
match:
  compatible: ["radxa,zero3"]
  devices: [/dev/mpp_service]
  dmi: { board_name: Zero 3 }
`;
    await writeFile(`${profiles.folder}/radxa-zero-3.yaml`, yaml);
    await using board = await temporaryFiles({
      "proc/device-tree/compatible": "radxa,zero3w\0radxa,zero3\0rockchip,rk3566\0",
      "dev/mpp_service": "",
      "sys/class/dmi/id/board_name": "Zero 3\n",
    });
    const { chosen, why } = await choose(board.folder, profiles.folder);
    expect(chosen.profile.name).toBe("radxa-zero-3");
    expect(why).toBe("the device tree says radxa,zero3, DMI board_name is Zero 3, /dev/mpp_service exists");
    await using other = await temporaryFiles({ "proc/device-tree/compatible": "radxa,zero3\0" });
    const { others } = await choose(other.folder, profiles.folder);
    expect(others).toContainEqual({ name: "radxa-zero-3", reason: "DMI board_name is absent, not Zero 3." });
  });
});

describe("a root", () => {
  it("expands patterns in any part of a path, within one part", async () => {
    await using tree = await temporaryFiles({
      "dev/dri/renderD129": "",
      "dev/dri/renderD128": "",
      "dev/dri/card0": "",
      "sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled": "0\n",
    });
    const root = openRoot(tree.folder);
    expect(await root.expand("/dev/dri/renderD*")).toEqual(["/dev/dri/renderD128", "/dev/dri/renderD129"]);
    expect(await root.expand("/sys/devices/platform/soc*/soc*:firmware/get_throttled")).toHaveLength(1);
    expect(await root.expand("/dev/*D128")).toEqual([]);
    expect([root.isThisMachine, openRoot().isThisMachine]).toEqual([false, true]);
    expect(await root.text("/dev/nothing")).toBeUndefined();
  });
});
