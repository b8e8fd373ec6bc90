import { describe, expect, it } from "vitest";
import { openRoot } from "../../../src/boards/root.ts";
import type { RunProgram } from "../../../src/boards/run-program.ts";
import { listV4l2, parseFormats, roleByFormats, roleByName } from "../../../src/boards/v4l2.ts";
import { boardFixture } from "../../helpers/boards.ts";

/** As recorded on a Raspberry Pi 4 (sakaki-/gentoo-on-rpi-64bit issue 187); the capture half is reconstructed. */
const pi4Decoder = `ioctl: VIDIOC_ENUM_FMT
        Type: Video Capture Multiplanar

        [0]: 'YU12' (Planar YUV 4:2:0)
        [1]: 'NV12' (Y/CbCr 4:2:0)
ioctl: VIDIOC_ENUM_FMT
        Type: Video Output Multiplanar

        [0]: 'H264' (H.264, compressed)
        [1]: 'MJPG' (Motion-JPEG, compressed)
        [2]: 'VP80' (VP8, compressed)
`;
/** Reconstructed from the driver's sources. */
const pi4Encoder = `ioctl: VIDIOC_ENUM_FMT
\tType: Video Capture Multiplanar

\t[0]: 'H264' (H.264, compressed)
ioctl: VIDIOC_ENUM_FMT
\tType: Video Output Multiplanar

\t[0]: 'YU12' (Planar YUV 4:2:0)
\t[1]: 'NV12' (Y/CbCr 4:2:0)
`;
/** As recorded on a Raspberry Pi 5 (geerlingguy/sbc-reviews issue 21), shortened. */
const pi5Isp = `ioctl: VIDIOC_ENUM_FMT
\tType: Video Capture Multiplanar

\t[0]: 'YU12' (Planar YUV 4:2:0)
\t\tSize: Stepwise 32x32 - 65536x65536 with step 1/1
`;
/** Reconstructed: the HEVC decoder takes parsed slices. */
const pi5Hevc = `ioctl: VIDIOC_ENUM_FMT
\tType: Video Capture Multiplanar

\t[0]: 'NC12' (Y/CbCr 4:2:0 (128b cols))
ioctl: VIDIOC_ENUM_FMT
\tType: Video Output Multiplanar

\t[0]: 'S265' (HEVC Parsed Slice Data, compressed)
`;
/** A webcam with an encoder of its own: reconstructed. */
const webcam = `ioctl: VIDIOC_ENUM_FMT
\tType: Video Capture

\t[0]: 'MJPG' (Motion-JPEG, compressed)
\t[1]: 'H264' (H.264, compressed)
`;

describe("the role of a V4L2 device", () => {
  it.each([
    ["a Pi 4's decoder", pi4Decoder, "decoder"],
    ["a Pi 4's encoder", pi4Encoder, "encoder"],
    ["a Pi 5's image processor", pi5Isp, undefined],
    ["a Pi 5's HEVC decoder", pi5Hevc, undefined],
    ["a webcam", webcam, undefined],
    ["nothing", "", undefined],
  ])("follows from the formats of %s", (_what, output, role) => {
    expect(roleByFormats(parseFormats(output))).toBe(role);
  });

  it.each([
    ["bcm2835-codec-decode", "decoder"],
    ["bcm2835-codec-encode", "encoder"],
    ["bcm2835-codec-encode_image", undefined],
    ["bcm2835-codec-isp", undefined],
    ["rpi-hevc-dec", undefined],
    ["Qualcomm Venus video encoder", "encoder"],
    ["C922 Pro Stream Webcam", undefined],
  ])("follows from the name %s where nothing can be asked", (card, role) => {
    expect(roleByName(card)).toBe(role);
  });
});

describe("the V4L2 devices of a board", () => {
  const never: RunProgram = (program) => Promise.reject(new Error(`${program} was run`));

  it.each([
    ["raspberry-pi-3", ["/dev/video10 decoder", "/dev/video11 encoder"]],
    ["raspberry-pi-4", ["/dev/video10 decoder", "/dev/video11 encoder"]],
    ["raspberry-pi-5", []],
    ["software", []],
  ])("are told by their names in a foreign root, where nothing is run: %s", async (name, devices) => {
    const found = await listV4l2(openRoot(boardFixture(name)), never);
    expect(found.map(({ path, role }) => `${path} ${role}`)).toEqual(devices);
  });

  it("are told by what v4l2-ctl answers on the machine itself, and by name once that is missing", async () => {
    const root = { ...openRoot(boardFixture("raspberry-pi-4")), isThisMachine: true };
    const asked: string[] = [];
    const run: RunProgram = (program, argv) => {
      const path = argv[1] ?? "";
      asked.push(`${program} ${path}`);
      const output = Buffer.from(
        path === "/dev/video10" ? pi4Decoder : path === "/dev/video12" ? pi4Encoder : "",
      );
      return Promise.resolve({ kind: "ended", output });
    };
    const found = await listV4l2(root, run);
    expect(found).toMatchObject([
      { path: "/dev/video10", role: "decoder", by: "formats" },
      { path: "/dev/video12", role: "encoder", by: "formats" },
    ]);
    expect(asked).toHaveLength(10);
    const missing: RunProgram = () => Promise.resolve({ kind: "missing", text: "" });
    const named = await listV4l2(root, missing);
    expect(named).toMatchObject([{ by: "name" }, { path: "/dev/video11", role: "encoder", by: "name" }]);
  });
});
