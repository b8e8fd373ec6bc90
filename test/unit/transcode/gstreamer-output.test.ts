import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { gdpPicture } from "../../../src/media/gdp.ts";
import { joinAvcc } from "../../../src/media/flv-reader.ts";
import { readPictures } from "../../../src/transcode/gstreamer-output.ts";
import { pps, sps } from "../../helpers/rtp.ts";

const idr = joinAvcc([sps, pps, Buffer.from([0x65, 1])]);
const slice = joinAvcc([Buffer.from([0x41, 1])]);

/** A packet as gdppay writes it: the picture keeps its lengths. */
function packet(ptsMs: number, avcc: Uint8Array): Buffer {
  const bytes = gdpPicture(avcc, false, ptsMs, ptsMs);
  bytes.set(avcc, bytes.length - avcc.length);
  return bytes;
}

/** What was taken, and how many pictures had been when an IDR was asked for. */
async function readAll(packets: readonly Buffer[], showFromMs = 0, signal = new AbortController().signal) {
  const taken: number[] = [];
  const asked: number[] = [];
  const handlers = {
    take: ({ ptsMs }: { readonly ptsMs: number }) => void taken.push(ptsMs),
    askForIdr: () => void asked.push(taken.length),
  };
  await readPictures(Readable.from(packets), { showFromMs, idrSeconds: 1 }, handlers, signal);
  return { taken, asked };
}

describe("readPictures", () => {
  it("takes pictures from the first IDR that is to be shown, and asks for one where none comes", async () => {
    const before = [packet(0, idr), packet(40, slice)];
    const after = [packet(80, slice), packet(120, slice), packet(160, idr), packet(200, slice)];
    expect(await readAll([...before, ...after], 80)).toEqual({ taken: [160, 200], asked: [0] });
  });

  it("asks for an IDR once each time that one is late by a tenth", async () => {
    const slices = Array.from({ length: 30 }, (_, index) => packet(100 * (index + 1), slice));
    expect(await readAll([packet(0, idr), ...slices])).toMatchObject({ asked: [11, 22] });
    const inTime = Array.from({ length: 31 }, (_, index) =>
      packet(100 * index, index % 10 === 0 ? idr : slice),
    );
    expect(await readAll(inTime)).toMatchObject({ asked: [] });
  });

  it("takes nothing more once it was aborted, and ends with a stream that breaks off", async () => {
    const aborted = AbortSignal.abort();
    expect(await readAll([packet(0, idr)], 0, aborted)).toEqual({ taken: [], asked: [] });
    expect(await readAll([packet(0, idr), packet(40, slice).subarray(0, 65)])).toMatchObject({ taken: [0] });
  });

  it("rejects with a fault what is damaged", async () => {
    const cut = packet(0, idr);
    cut.writeUInt32BE(1000, 62);
    await expect(readAll([cut])).rejects.toMatchObject({ code: "malformed" });
  });
});
