import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { boardOptions } from "../../src/board.ts";
import { shippedProfiles } from "../../src/boards/catalogue.ts";
import { proveBoard } from "../../src/boards/prove-board.ts";
import { parseConfig } from "../../src/config/load.ts";
import type { ProvenChain } from "../../src/domain/board.ts";
import type { VideoUnit } from "../../src/domain/media.ts";
import type { StatusEvent } from "../../src/domain/status.ts";
import { createMask } from "../../src/lib/log.ts";
import { parseSps } from "../../src/media/sps.ts";
import { configuredState, createLine } from "../../src/parts.ts";
import { PicturePath } from "../../src/supervisor/session/picture-path.ts";
import { temporaryFiles } from "../helpers/boards.ts";
import { codedPictures, decodePictures } from "../helpers/coded-pictures.ts";
import { noGstreamer, softwareProfile, withoutAddon } from "../helpers/gstreamer.ts";
import { ownChildren } from "../helpers/processes.ts";
import { patience, range, spsOf } from "../helpers/transcoder-line.ts";

const { signal } = new AbortController();

/** Software is trusted with no more, so that its proof is short. */
async function boardFiles() {
  const software = await readFile(join(shippedProfiles, "software.yaml"), "utf8");
  return temporaryFiles({
    "profiles/software.yaml": software.replace("width: 1920, height: 1080", "width: 640, height: 360"),
    "profiles/gstreamer.yaml": softwareProfile,
  });
}

async function proven(folder: string): Promise<ProvenChain> {
  const options = { ...boardOptions(`${folder}/state`), profiles: `${folder}/profiles` };
  const { proof, choice } = await proveBoard(options, signal);
  expect(choice.chosen.profile.name).toBe("gstreamer");
  expect(proof.rejected).toEqual([
    { chain: "nothing", reason: `GStreamer cannot build the chain: no element "nosuchenc".` },
    { chain: "software", reason: "Not needed: x264 comes before it and holds." },
  ]);
  expect(await proveBoard(options, signal)).toMatchObject({ fromCache: true, proof });
  const { chosen } = proof;
  if (chosen === undefined) throw new Error("Nothing was proven.");
  return chosen;
}

/** What the live line makes of a configuration, with a hand in what its encoders give. */
async function createPath(chain: ProvenChain, life: AbortSignal) {
  const config = await parseConfig(
    "source: file\nfile: { path: /dev/null }\noutputs: [{ name: main, url: 'rtmp://127.0.0.1/live', streamKey: key }]\n",
    "test.yaml",
    {},
  );
  const line = createLine(
    config,
    () => {},
    createMask(),
    () => chain,
  );
  const { createTranscoder } = line.build(configuredState(config).settings);
  if (createTranscoder === undefined) throw new Error("The line does not encode.");
  const published: VideoUnit[] = [];
  const encoded: VideoUnit[] = [];
  const events: StatusEvent[] = [];
  const path = new PicturePath(
    {
      createTranscoder: (request) =>
        createTranscoder({
          ...request,
          emit: (unit) => {
            encoded.push(unit);
            request.emit(unit);
          },
        }),
      publish: (unit) => void published.push(unit),
      gop: () => published,
      report: (event) => void events.push(event),
    },
    life,
  );
  return { path, published, encoded, events };
}

describe.skipIf(noGstreamer !== undefined)("a board whose chain is GStreamer's", () => {
  it("is proven by it, and the live line encodes with it, at another rate without another encoder", async () => {
    await using files = await boardFiles();
    const chain = await proven(files.folder);
    expect(chain).toMatchObject({ chain: { name: "x264", runner: "gstreamer" }, holds: { height: 360 } });
    expect(chain.ssim).toBeGreaterThan(0.9);
    expect(ownChildren()).toEqual([]);

    const source = await codedPictures({ count: 180, encoder: ["-g", "60"] });
    const life = new AbortController();
    const { path, published, encoded, events } = await createPath(chain, life.signal);
    /** At the pace at which pictures come back, and until they all have. */
    const pass = async (from: number, to: number): Promise<void> => {
      for (const [index, unit] of source.slice(from, to).entries()) {
        path.accept(unit);
        await expect.poll(() => from + index - encoded.length, patience).toBeLessThan(10);
      }
      await expect.poll(() => encoded.length, patience).toBe(to);
    };
    path.setTarget({ bitsPerSecond: 1_000_000, idrSeconds: 0.5, profile: "main", height: 180 });
    await pass(0, 60);
    expect(path.path).toBe("transcode");
    const children = ownChildren();
    expect(children.map(({ commandLine }) => commandLine)).toEqual([
      expect.stringContaining("gstreamer-child"),
    ]);

    path.setRate(300_000);
    await pass(60, 120);
    expect(ownChildren().map(({ pid }) => pid)).toEqual(children.map(({ pid }) => pid));
    expect(events).toEqual([expect.objectContaining({ type: "path", path: "transcode" })]);
    expect(parseSps(spsOf(encoded[0] ?? ({} as VideoUnit)))).toMatchObject({ width: 320, height: 180 });
    const { numbers, complaints } = await decodePictures(encoded);
    expect(complaints).toEqual([]);
    expect(numbers).toEqual(range(0, 120));
    expect(published.slice(-60)).toEqual(encoded.slice(-60));

    path.setTarget(undefined);
    for (const unit of source.slice(120)) path.accept(unit);
    await expect.poll(() => path.path, patience).toBe("copy");
    expect(published.slice(-60)).toEqual(source.slice(120));
    await expect.poll(ownChildren, patience).toEqual([]);
    life.abort();
  });
});

describe("a board whose chain is GStreamer's, without the add-on", () => {
  it("is proven in software, and says what is missing and how to get it", async () => {
    await using files = await boardFiles();
    await using _missing = await withoutAddon();
    const options = { ...boardOptions(`${files.folder}/state`), profiles: `${files.folder}/profiles` };
    const { proof } = await proveBoard(options, signal);
    expect(proof.chosen?.chain.name).toBe("software");
    const reason = expect.stringMatching(
      /^The GStreamer add-on is not installed: .*`sh \.ci\/setup gstreamer` builds it\.$/,
    ) as string;
    expect(proof.rejected).toEqual([
      { chain: "nothing", reason },
      { chain: "x264", reason },
    ]);
  });
});
