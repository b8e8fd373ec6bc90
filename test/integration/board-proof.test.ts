import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { shippedProfiles } from "../../src/boards/catalogue.ts";
import { createBoardKeeper } from "../../src/boards/keeper.ts";
import { proveBoard } from "../../src/boards/prove-board.ts";
import type { BoardOptions } from "../../src/boards/prove-board.ts";
import { boardOptions, proveInChild } from "../../src/board.ts";
import { runCli } from "../../src/cli.ts";
import { boardFixture, temporaryFiles } from "../helpers/boards.ts";
import { recordEvents } from "../helpers/collect.ts";
import { ownChildren } from "../helpers/processes.ts";
import type { ProfileResult } from "../../src/verbs/profile-text.ts";

const { PATH: path = "" } = process.env;
const realFfmpeg = execFileSync("sh", ["-c", "command -v ffmpeg"], { encoding: "utf8" }).trim();
afterEach(() => void (process.env["PATH"] = path));
const { signal } = new AbortController();

/** An ffmpeg that lists every encoder and breaks each in another way; all else the real one does. */
const fakeFfmpeg = `#!/bin/sh
case "$*" in
*"-broken fails"*) echo "Could not find a valid device" >&2; exit 1 ;;
*"-broken hangs"*) trap '' TERM; while :; do sleep 1; done ;;
*"-broken garbage"*) exec ${realFfmpeg} -loglevel error -f lavfi -i color=green:size=1920x1080:rate=30:duration=1.5 \\
  -c:v libx264 -preset ultrafast -tune zerolatency -bf 0 -flvflags no_duration_filesize -f flv pipe:1 ;;
*"-broken never"*)
  for word in "$@"; do
    case "$word" in h264_v4l2m2m) word=libx264 ;; 77) word=main ;; -broken) word=-tune ;; never) word=zerolatency ;; esac
    set -- "$@" "$word"; shift
  done
  exec ${realFfmpeg} "$@" ;;
*) exec ${realFfmpeg} "$@" ;;
esac
`;

function chainThat(breaks: string): string {
  return `  - name: ${breaks}
    runner: ffmpeg
    encode: { codec: h264_v4l2m2m, options: { broken: ${breaks} } }
    limits: { width: 1920, height: 1080, fps: 30, bitsPerSecond: 8000000 }
`;
}

/** Like a device's encoder: its parameter sets come in the stream only, in front of each IDR. */
const chainThatWorks = `  - name: works
    runner: ffmpeg
    encode: { codec: h264_v4l2m2m, options: { broken: never, flags: "-global_header", preset: ultrafast } }
    limits: { width: 1280, height: 720, fps: 30, bitsPerSecond: 2000000 }
`;

async function brokenBoard(chains: string) {
  const software = await readFile(join(shippedProfiles, "software.yaml"), "utf8");
  const files = await temporaryFiles({
    "bin/ffmpeg": fakeFfmpeg,
    "profiles/software.yaml": software,
    "profiles/broken.yaml": `title: Broken
verified: false
h264: { decoder: none, encoder: it says so }
match: { devices: [/dev/null] }
chains:
${chains}`,
  });
  process.env["PATH"] = `${files.folder}/bin:${path}`;
  const options = {
    ...boardOptions(`${files.folder}/state`),
    profiles: `${files.folder}/profiles`,
  };
  return { options, [Symbol.asyncDispose]: () => files[Symbol.asyncDispose]() };
}

describe("a board whose chains are listed and do not work", () => {
  it("falls back to software, says what is wrong with each, and keeps that", async () => {
    await using board = await brokenBoard(chainThat("fails") + chainThat("hangs") + chainThat("garbage"));
    const { proof, choice, fromCache } = await proveBoard(board.options, signal);
    expect([choice.chosen.profile.name, fromCache]).toEqual(["broken", false]);
    expect(proof.rejected).toEqual([
      { chain: "fails", reason: expect.stringContaining("Could not find a valid device") as string },
      { chain: "hangs", reason: "It gave no picture within 5 s: it hangs." },
      {
        chain: "garbage",
        reason: expect.stringMatching(
          /^It gives garbage: a picture is like its original by 0\.\d+ only/,
        ) as string,
      },
    ]);
    expect(proof.chosen?.chain.name).toBe("software");
    expect(ownChildren()).toEqual([]);

    const never: BoardOptions["transcode"] = () => Promise.reject(new Error("it was tried again"));
    const again = await proveBoard({ ...board.options, transcode: never }, signal);
    expect(again).toMatchObject({ fromCache: true, proof });

    const { report, notices } = recordEvents();
    const keeper = createBoardKeeper({
      ...board.options,
      prove: () => Promise.resolve(),
      report,
      settleMs: 1,
    });
    await keeper.run(signal);
    expect(keeper.proven()).toEqual(proof.chosen);
    // Where it held the largest size, nothing was made again.
    expect(notices()).toHaveLength(proof.chosen?.holds.height === 1080 ? 0 : 1);

    const { root } = board.options;
    const updated = {
      ...root,
      text: (file: string) =>
        file === "/proc/sys/kernel/osrelease" ? Promise.resolve("99.0\n") : root.text(file),
    };
    const stopped = AbortSignal.abort();
    expect((await proveBoard({ ...board.options, root: updated }, stopped)).fromCache).toBe(false);
  });
});

describe("a board with a chain that works", () => {
  it("takes it, up to the size that it is trusted with, and does not try what comes after it", async () => {
    await using board = await brokenBoard(chainThatWorks + chainThat("hangs"));
    const { proof } = await proveBoard(board.options, signal);
    expect(proof).toMatchObject({
      chosen: { chain: { name: "works" }, holds: { bitsPerSecond: 2_000_000 } },
      rejected: [
        { chain: "hangs", reason: "Not needed: works comes before it and holds." },
        { chain: "software" },
      ],
    });
    expect(proof.chosen?.holds.height).toBeLessThanOrEqual(720);
    expect(proof.chosen?.ssim).toBeGreaterThan(0.9);
  });
});

async function profile(...args: string[]): Promise<ProfileResult> {
  const printed: string[] = [];
  const print = (line: string): void => void printed.push(line);
  expect(await runCli(["profile", "--json", ...args], { print, printError: print, signal })).toBe(0);
  return JSON.parse(printed.join("\n")) as ProfileResult;
}

describe("spotlive profile", () => {
  it("is run beside the live line, which then knows what it found", async () => {
    await using state = await temporaryFiles({});
    const { report, notices } = recordEvents();
    const prove = (running: AbortSignal): Promise<void> => proveInChild(state.folder, running);
    const keeper = createBoardKeeper({ ...boardOptions(state.folder), prove, report, settleMs: 1 });
    await keeper.run(signal);
    expect(keeper.proven()?.speed).toBeGreaterThanOrEqual(1.3);
    expect(notices()).toEqual([expect.stringMatching(/^This machine encodes with the chain \w+, up to /)]);
  });

  it("proves software by a real encode where there is no hardware codec, with reasons", async (context) => {
    await using state = await temporaryFiles({});
    process.env["SPOTLIVE_STATE_DIRECTORY"] = state.folder;
    const result = await profile();
    delete process.env["SPOTLIVE_STATE_DIRECTORY"];
    if (result.profile.name !== "software") context.skip("this machine has hardware");
    expect(result).toMatchObject({ version: 1, fromCache: false, measuredOnBoard: true });
    expect(result.chain?.name).toBe("software");
    expect(result.chain?.speed).toBeGreaterThanOrEqual(1.3);
    expect(result.chain?.ssim).toBeGreaterThan(0.9);
    expect(result.otherProfiles).toHaveLength(7);
  });

  it("names a board by its files, and what it would have tried there", async () => {
    const result = await profile("--root", boardFixture("raspberry-pi-4"));
    expect(result).toMatchObject({
      profile: { name: "raspberry-pi-4", verified: false },
      chain: { name: "software" },
      measuredOnBoard: false,
      fromCache: false,
    });
    expect(result.rejected.map(({ chain }) => chain)).toEqual([
      "v4l2m2m",
      "v4l2m2m-encoder",
      "gstreamer-v4l2",
    ]);
    expect(result.v4l2.map(({ path }) => path)).toEqual(["/dev/video10", "/dev/video11"]);
  });
});
