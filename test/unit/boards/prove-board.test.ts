import { readFile, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createBoardKeeper } from "../../../src/boards/keeper.ts";
import type { KeeperOptions } from "../../../src/boards/keeper.ts";
import { proveBoard } from "../../../src/boards/prove-board.ts";
import type { BoardOptions } from "../../../src/boards/prove-board.ts";
import { proofKey, readProof, writeProof } from "../../../src/boards/proof-cache.ts";
import type { Proof } from "../../../src/boards/proof-cache.ts";
import { openRoot } from "../../../src/boards/root.ts";
import type { BoardProfile, FfmpegChain } from "../../../src/domain/board.ts";
import { Fault } from "../../../src/domain/fault.ts";
import { boardFixture, temporaryFiles } from "../../helpers/boards.ts";
import { recordEvents } from "../../helpers/collect.ts";

const path = process.env["PATH"];
/** No program is found: whatever is tried all the same fails at once. */
beforeEach(() => void (process.env["PATH"] = "/nowhere"));
afterEach(() => void (process.env["PATH"] = path));

const { signal } = new AbortController();

function optionsFor(name: string, more: Partial<BoardOptions> = {}): BoardOptions {
  return {
    root: openRoot(boardFixture(name)),
    transcode: () => Promise.reject(new Fault("child-failed", "It hangs.")),
    whyNoRunner: () => Promise.resolve(undefined),
    ...more,
  };
}

const reasonsOf = ({ rejected }: Proof): Record<string, string> =>
  Object.fromEntries(rejected.map(({ chain, reason }) => [chain, reason]));

describe("the proof of a board that is not this machine", () => {
  it.each([
    ["jetson-nano", ["nvv4l2", "nvmpi"]],
    ["jetson-nano-2gb", ["nvv4l2", "nvmpi"]],
    ["jetson-orin-nano", ["nvdec-x264"]],
    ["raspberry-pi-3", ["v4l2m2m", "v4l2m2m-encoder", "gstreamer-v4l2"]],
    ["raspberry-pi-4", ["v4l2m2m", "v4l2m2m-encoder", "gstreamer-v4l2"]],
    ["raspberry-pi-5", []],
    ["x86-vaapi", ["vaapi", "vaapi-encoder"]],
    ["software", []],
  ])("tries nothing of %s but software, and says why", async (name, hardware) => {
    const { proof, choice } = await proveBoard(optionsFor(name), signal);
    const { software, ...others } = reasonsOf(proof);
    expect(choice.chosen.profile.name).toBe(name);
    expect(Object.keys(others)).toEqual(hardware);
    for (const reason of Object.values(others))
      expect(reason).toContain("only the board itself can prove it");
    expect(software).toContain("Is it installed?");
  });

  it("says first what is not even there", async () => {
    await using board = await temporaryFiles({
      "proc/device-tree/compatible": "nvidia,jetson-nano\0nvidia,tegra210\0",
      "dev/nvhost-nvdec": "",
    });
    const { proof } = await proveBoard(optionsFor("", { root: openRoot(board.folder) }), signal);
    expect(reasonsOf(proof)["nvv4l2"]).toBe("/dev/nvhost-msenc does not exist.");
    await using pi = await temporaryFiles({ "proc/device-tree/compatible": "raspberrypi,4-model-b\0" });
    const without = await proveBoard(optionsFor("", { root: openRoot(pi.folder) }), signal);
    expect(reasonsOf(without.proof)["v4l2m2m"]).toBe("There is no V4L2 decoder for H.264.");
  });

  it("knows what the GStreamer runner is needed for, where it is missing", async () => {
    const root = { ...openRoot(boardFixture("jetson-nano")), isThisMachine: true };
    const asked: string[] = [];
    const why = "The GStreamer add-on is not installed.";
    const whyNoRunner: BoardOptions["whyNoRunner"] = (runner) => {
      asked.push(runner);
      return Promise.resolve(runner === "gstreamer" ? why : undefined);
    };
    const { proof } = await proveBoard(optionsFor("", { root, whyNoRunner }), signal);
    expect(asked.toSorted()).toEqual(["ffmpeg", "gstreamer"]);
    expect(reasonsOf(proof)["nvv4l2"]).toBe(why);
    expect(reasonsOf(proof)["nvmpi"]).toMatch(/^No test picture could be made: ffmpeg could not be started/);
  });
});

const chain: FfmpegChain = {
  ...{ name: "software", runner: "ffmpeg", devices: [], v4l2: [], frames: "memory" },
  limits: { width: 1920, height: 1080, fps: 60, bitsPerSecond: 8e6 },
  encode: { codec: "libx264", options: {} },
};
const proof: Proof = {
  chosen: { chain, holds: { ...chain.limits, fps: 30 }, speed: 2.5, ssim: 0.98 },
  rejected: [{ chain: "vaapi", reason: "It hangs." }],
};
const profiles = [{ chains: [chain] } as unknown as BoardProfile];

describe("a proof that is kept", () => {
  it("comes back under its key, and only with a chain that the profiles still have", async () => {
    await using folder = await temporaryFiles({});
    const file = `${folder.folder}/state/proof.json`;
    const key = proofKey({ kernel: "6.1" });
    expect(await readProof(file, key, profiles)).toBeUndefined();
    await writeProof(file, key, proof);
    expect(await readProof(file, key, profiles)).toEqual(proof);
    expect(await readProof(file, proofKey({ kernel: "6.2" }), profiles)).toBeUndefined();
    expect(await readProof(file, key, [])).toBeUndefined();
  });

  it("is ignored when it is damaged in any way", async () => {
    await using folder = await temporaryFiles({});
    const file = `${folder.folder}/proof.json`;
    const key = proofKey({});
    await writeProof(file, key, proof);
    const whole = await readFile(file, "utf8");
    for (const content of [
      "",
      "{",
      "null",
      "[]",
      whole.slice(0, -5),
      whole.replace("1920", '"1920"'),
      whole.replace("holds", "held"),
    ]) {
      await writeFile(file, content);
      expect(await readProof(file, key, profiles)).toBeUndefined();
    }
  });

  it("is not made of a failure", async () => {
    await using folder = await temporaryFiles({});
    await writeProof(`${folder.folder}/proof.json`, proofKey({}), { rejected: [] });
    await expect(readFile(`${folder.folder}/proof.json`)).rejects.toThrow("ENOENT");
  });
});

describe("what keeps the proof while the line runs", () => {
  async function keeper(more: Partial<KeeperOptions> = {}) {
    const files = await temporaryFiles({});
    const { report, notices } = recordEvents();
    const prove = vi.fn<KeeperOptions["prove"]>(() => Promise.resolve());
    const cachePath = `${files.folder}/proof.json`;
    const options = { ...optionsFor("software"), cachePath, prove, report, ...more };
    return {
      board: createBoardKeeper(options),
      prove,
      notices,
      [Symbol.asyncDispose]: () => files[Symbol.asyncDispose](),
    };
  }

  it("waits for the start to be over, and ends at once when stopped", async () => {
    await using line = await keeper();
    const stop = new AbortController();
    const running = line.board.run(stop.signal);
    stop.abort();
    await running;
    expect(line.prove).not.toHaveBeenCalled();
    expect(line.notices()).toEqual([]);
  });

  it("says when nothing was proven, and what else is wrong, and never rejects", async () => {
    await using line = await keeper({ settleMs: 1 });
    await line.board.run(signal);
    expect(line.board.proven()).toBeUndefined();
    expect(line.prove).toHaveBeenCalledTimes(1);
    expect(line.notices()).toEqual([expect.stringContaining("spotlive profile says why")]);
    await using wrong = await keeper({ settleMs: 1, profiles: "/nowhere" });
    await wrong.board.run(signal);
    expect(wrong.notices()).toEqual([expect.stringMatching(/^The board could not be examined: .*ENOENT/)]);
  });
});
