import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openRoot } from "../../../src/boards/root.ts";
import type { ProgramAnswer, RunProgram } from "../../../src/boards/run-program.ts";
import { listV4l2, parseFormats, roleByFormats, roleByName } from "../../../src/boards/v4l2.ts";
import { boardFixture, temporaryFiles } from "../../helpers/boards.ts";

const recordings = fileURLToPath(new URL("../../fixtures/v4l2", import.meta.url));
const recorded = (path: string): Promise<string> => readFile(join(recordings, path), "utf8");

describe("the role of a V4L2 device", () => {
  it.each([
    ["decoder", "boards/raspberry-pi-4/video10.txt"],
    ["encoder", "boards/raspberry-pi-4/video11.txt"],
    ["encoder", "boards/imx6/coda-encoder.txt"],
    ["decoder", "boards/crosvm/decoder.txt"],
  ] as const)("is %s by what %s says", async (role, path) => {
    expect(roleByFormats(parseFormats(await recorded(path)))).toBe(role);
  });

  it.each([
    ["an image processor", "boards/raspberry-pi-4/video12.txt"],
    ["an image processor's output", "boards/raspberry-pi-5/isp.txt"],
    ["a deinterlacer", "boards/raspberry-pi-4/video18.txt"],
    ["a converter", "virtual/vim2m/vim2m.txt"],
    ["a JPEG encoder", "boards/raspberry-pi-4/video31.txt"],
    ["a JPEG encoder", "boards/rock-pi-4/vpu-enc.txt"],
    ["an encoder of another codec", "virtual/vicodec/stateful-encoder.txt"],
    ["an encoder of another codec", "virtual/vicodec-multiplanar/stateful-encoder.txt"],
    ["a decoder of another codec", "virtual/vicodec/stateful-decoder.txt"],
    ["a decoder of another codec", "virtual/vicodec-multiplanar/stateful-decoder.txt"],
    ["a decoder of HEVC slices", "boards/raspberry-pi-4/video19.txt"],
    ["a decoder of H.264 slices", "boards/rock-pi-4/rkvdec.txt"],
    ["a decoder of slices of many codecs", "boards/rock-pi-4/vpu-dec.txt"],
    ["a decoder of slices of many codecs", "virtual/visl/visl.txt"],
    ["a decoder of slices of another codec", "virtual/vicodec/stateless-decoder.txt"],
    ["a camera", "virtual/vivid/vivid-000-vid-cap.txt"],
    ["a camera that gives H.264", "boards/raspberry-pi-4/webcam.txt"],
    ["a camera that gives H.264", "boards/mobius-mini/webcam.txt"],
    ["a screen", "virtual/vivid-multiplanar/vivid-000-vid-out.txt"],
    ["a loopback, which takes and gives the same", "virtual/v4l2loopback/loopback.txt"],
    ["a loopback that nothing feeds", "virtual/v4l2loopback-exclusive/loopback.txt"],
    ["a node of metadata", "boards/raspberry-pi-4/video16.txt"],
  ])("is none for %s: %s", async (_what, path) => {
    expect(roleByFormats(parseFormats(await recorded(path)))).toBeUndefined();
  });

  it("is none where nothing was said", () => {
    expect(roleByFormats(parseFormats(""))).toBeUndefined();
  });

  it.each([
    ["bcm2835-codec-decode", "decoder"],
    ["bcm2835-codec-encode", "encoder"],
    ["coda-encoder", "encoder"],
    ["bcm2835-codec-encode_image", undefined],
    ["bcm2835-codec-isp", undefined],
    ["rpivid", undefined],
    ["rpi-hevc-dec", undefined],
    ["Qualcomm Venus video encoder", "encoder"],
    ["stateless-decoder", undefined],
    ["vivid-000-vid-cap", undefined],
    ["C922 Pro Stream Webcam", undefined],
  ])("follows from the name %s where nothing can be asked", (card, role) => {
    expect(roleByName(card)).toBe(role);
  });
});

describe("the formats that v4l2-ctl lists", () => {
  it.each([
    ["boards/raspberry-pi-4/video10.txt", ["H264", "MJPG"], ["YU12", "YV12", "NV12", "NV21", "NC12", "RGBP"]],
    ["boards/crosvm/decoder.txt", ["VP90", "VP80", "HEVC", "H264"], ["NV12"]],
    ["boards/imx6/coda-encoder.txt", ["YU12", "YV12"], ["H264", "MPG4"]],
    ["boards/mobius-mini/webcam.txt", [], ["H264", "YUYV", "MJPG"]],
    ["boards/mt8173/decoder-output.txt", ["H264", "VP80", "VP90"], []],
    ["boards/dragonboard-410c/venus-encoder-capture.txt", [], ["MPG4", "H263", "H264", "VP80"]],
    ["boards/dragonboard-410c/venus-decoder-capture.txt", [], ["NV12"]],
    ["virtual/visl/visl.txt", ["SFWH", "MG2S", "VP8F", "VP9F", "S264", "S265", "AV1F"], ["NV12", "YU12"]],
  ])("are told by direction: %s", async (path, takes, gives) => {
    expect(parseFormats(await recorded(path))).toEqual({ takes, gives });
  });

  it("are all read, whatever is printed of each", async () => {
    const files = (await readdir(recordings, { recursive: true })).filter(
      (name) => name.endsWith(".txt") && !/(\.all|devices)\.txt$/.test(name),
    );
    expect(files.length).toBeGreaterThan(25);
    for (const file of files) {
      const output = await recorded(file);
      const { takes, gives } = parseFormats(output);
      const quoted = output.split("\n").filter((line) => line.includes("'"));
      expect(takes.length + gives.length, file).toBe(quoted.length);
    }
  });
});

describe("the V4L2 devices of a board", () => {
  const never: RunProgram = (program) => Promise.reject(new Error(`${program} was run`));
  const ended = (output: string): ProgramAnswer => ({ kind: "ended", output: Buffer.from(output) });

  it.each([
    ["raspberry-pi-3", ["/dev/video10 decoder", "/dev/video11 encoder"]],
    ["raspberry-pi-4", ["/dev/video10 decoder", "/dev/video11 encoder"]],
    ["raspberry-pi-5", []],
    ["software", []],
  ])("are told by their names in a foreign root, where nothing is run: %s", async (name, devices) => {
    const found = await listV4l2(openRoot(boardFixture(name)), never);
    expect(found.map(({ path, role }) => `${path} ${role}`)).toEqual(devices);
  });

  it("are told by what v4l2-ctl answers on the machine itself", async () => {
    const root = { ...openRoot(boardFixture("raspberry-pi-4")), isThisMachine: true };
    const asked: string[] = [];
    const run: RunProgram = async (program, argv) => {
      const path = argv[1] ?? "";
      asked.push(`${program} ${path}`);
      // Video13 and 15 are halves of the image processor, like 14.
      const node = basename(path).replace(/^video1[35]$/, "video14");
      return ended(await recorded(`boards/raspberry-pi-4/${node}.txt`));
    };
    expect(await listV4l2(root, run)).toMatchObject([
      { path: "/dev/video10", role: "decoder", by: "formats" },
      { path: "/dev/video11", role: "encoder", by: "formats" },
    ]);
    expect(asked).toHaveLength(10);
  });

  it("are told by formats even when their names say something else", async () => {
    const folder = join(recordings, "virtual/vicodec-multiplanar");
    const names = (await readdir(folder)).filter((name) => name.endsWith("er.txt"));
    expect(names.map((name) => basename(name, ".txt"))).toContain("stateful-encoder");
    const files = names.flatMap((name, number) => [
      [`sys/class/video4linux/video${number}/name`, `${basename(name, ".txt")}\n`],
      [`dev/video${number}`, ""],
    ]);
    await using board = await temporaryFiles(Object.fromEntries(files));
    const root = { ...openRoot(board.folder), isThisMachine: true };
    const run: RunProgram = async (_program, argv) =>
      ended(await readFile(join(folder, names[Number(argv[1]?.at(-1))] ?? ""), "utf8"));
    expect(await listV4l2(root, run)).toEqual([]);
  });

  it("are told by their names once v4l2-ctl is missing", async () => {
    const root = { ...openRoot(boardFixture("raspberry-pi-4")), isThisMachine: true };
    const missing: RunProgram = () => Promise.resolve({ kind: "missing", text: "" });
    expect(await listV4l2(root, missing)).toMatchObject([
      { path: "/dev/video10", role: "decoder", by: "name" },
      { path: "/dev/video11", role: "encoder", by: "name" },
    ]);
  });
});
