import { describe, expect, it } from "vitest";
import { proveChain } from "../../../src/boards/prove-chain.ts";
import type { ChainTrial, ChainVerdict } from "../../../src/boards/prove-chain.ts";
import type { ClipRequest, FfmpegChain, ProvenChain } from "../../../src/domain/board.ts";
import { Fault } from "../../../src/domain/fault.ts";
import type { VideoUnit } from "../../../src/domain/media.ts";
import { pps } from "../../helpers/rtp.ts";
import { videoUnit } from "../../helpers/units.ts";

const chain: FfmpegChain = {
  ...{ name: "fake", runner: "ffmpeg", devices: [], v4l2: [], frames: "memory" },
  limits: { width: 1920, height: 1080, fps: 60, bitsPerSecond: 8e6 },
  encode: { codec: "fake", options: {} },
};
const clip = Array.from({ length: 45 }, (_, index) => videoUnit((index * 1000) / 30, index === 0));

/** A baseline SPS of this size (ITU-T H.264, 7.3.2.1.1). */
function spsOf(width: number, height: number): Buffer {
  const golomb = (value: number): string => {
    const bits = (value + 1).toString(2);
    return "0".repeat(bits.length - 1) + bits;
  };
  const [columns, rows] = [Math.ceil(width / 16), Math.ceil(height / 16)];
  const crop = [0, (columns * 16 - width) / 2, 0, (rows * 16 - height) / 2].map(golomb).join("");
  const start = "0100001000000000" + "00011111"; // baseline, level 3.1
  const body = `${[0, 0, 2, 1].map(golomb).join("")}0${golomb(columns - 1)}${golomb(rows - 1)}111${crop}01`;
  const bits = (start + body).padEnd(Math.ceil((start + body).length / 8) * 8, "0");
  return Buffer.from([0x67, ...(bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2))]);
}

function made(request: ClipRequest, count = 45, height = request.target.height ?? 0): VideoUnit[] {
  const { width = 0 } = request.target;
  return request.units.slice(0, count).map((unit, index) => ({
    ...unit,
    ...(index === 0 && { nalus: [spsOf(width, height), pps, Buffer.from([0x65, 1])] }),
  }));
}

type Fake = (request: ClipRequest) => { readonly units: readonly VideoUnit[]; readonly seconds: number };

async function prove(
  fake: Fake,
  ssim = 0.97,
  decoded = 1000,
): Promise<ChainVerdict & { readonly asked: string[] }> {
  const asked: string[] = [];
  const trial: ChainTrial = {
    chain,
    clip,
    run: (_program, argv, _limit, input) => {
      const pictures = Math.min(decoded, Math.round(45 * Number(input !== undefined)));
      expect(argv).toContain("pipe:0");
      const lines = Array.from({ length: pictures }, (_, n) => `n:${n + 1} Y:1 U:1 V:1 All:${ssim} (9)`);
      return Promise.resolve({ kind: "ended", output: Buffer.from(lines.join("\n")) });
    },
    transcode: async (request) => {
      asked.push(`${request.target.width}x${request.target.height}`);
      return Promise.resolve(fake(request));
    },
  };
  return { ...(await proveChain(trial, new AbortController().signal)), asked };
}

async function rejection(...given: Parameters<typeof prove>): Promise<string> {
  const verdict = await prove(...given);
  return verdict.kind === "rejected" ? verdict.reason : "proven";
}
const provenOf = (verdict: ChainVerdict): ProvenChain | undefined =>
  verdict.kind === "proven" ? verdict.proven : undefined;

describe("the proof of a chain", () => {
  it("holds the largest size that it makes fast enough, and a rate by its speed", async () => {
    const verdict = await prove((request) => {
      const seconds = request.target.height === 1080 ? 1.4 : 0.733;
      return { units: made(request), seconds };
    });
    expect(provenOf(verdict)).toEqual({
      chain,
      holds: { width: 1280, height: 720, fps: 46, bitsPerSecond: 8e6 },
      speed: 2,
      ssim: 0.97,
    });
    expect(verdict.asked).toEqual(["1920x1080", "1280x720"]);
  });

  it("is no proof when no size is made fast enough", async () => {
    const verdict = await prove((request) => ({ units: made(request, 20), seconds: 4 }));
    expect(verdict).toMatchObject({
      kind: "rejected",
      reason: "It is too slow: 0.16 times real time at 640x360, 1.3 are needed.",
    });
    expect(verdict.asked).toHaveLength(4);
  });

  it("takes a chain that keeps some pictures back", async () => {
    const verdict = await prove((request) => ({ units: made(request, 38), seconds: 0.5 }), 0.97, 38);
    expect(provenOf(verdict)?.holds.height).toBe(1080);
  });

  it("does not try another size with a chain that is broken", async () => {
    const hangs = await prove(() => {
      throw new Fault("child-failed", "It gave no picture within 5 s: it hangs.");
    });
    expect(hangs).toMatchObject({ reason: "It gave no picture within 5 s: it hangs.", asked: ["1920x1080"] });
  });

  it.each([
    [
      "stops half-way",
      (request: ClipRequest) => ({ units: made(request, 12), seconds: 0.3 }),
      "It stopped after 12 pictures of 45: it hangs.",
    ],
    [
      "leaves a picture out",
      (request: ClipRequest) => ({ units: made(request).toSpliced(7, 1), seconds: 0.5 }),
      "Picture 8 is missing, doubled or in the wrong place.",
    ],
    [
      "has another size",
      (request: ClipRequest) => ({ units: made(request, 45, 720), seconds: 0.5 }),
      "It gives 1920x720 instead of 1920x1080.",
    ],
    [
      "begins without an IDR",
      (request: ClipRequest) => ({
        units: request.units.map((unit) => ({ ...unit, keyframe: false })),
        seconds: 0.5,
      }),
      "It does not begin with an IDR picture.",
    ],
  ])("rejects one that %s", async (_what, fake, reason) => {
    expect(await rejection(fake)).toBe(reason);
  });

  it("rejects garbage, whether it decodes or not", async () => {
    const fast: Fake = (request) => ({ units: made(request), seconds: 0.5 });
    expect(await rejection(fast, 0.31)).toContain("like its original by 0.31 only");
    expect(await rejection(fast, 0.97, 17)).toBe("It gives garbage: of 45 pictures 17 can be decoded.");
  });
});
