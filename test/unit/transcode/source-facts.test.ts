import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SourceFacts } from "../../../src/transcode/source-facts.ts";
import { outputSize } from "../../../src/transcode/output-size.ts";
import { pps, sps } from "../../helpers/rtp.ts";
import { videoUnit } from "../../helpers/units.ts";

describe("SourceFacts", () => {
  it("knows nothing before it has seen parameter sets, and keeps one object while they stay the same", () => {
    const facts = new SourceFacts();
    facts.look(videoUnit(0));
    expect([facts.sets, facts.size, facts.fps]).toEqual([undefined, undefined, undefined]);
    facts.look(videoUnit(33, true));
    const { sets } = facts;
    expect(sets).toEqual({ sps: Buffer.from(sps), pps: Buffer.from(pps) });
    expect(facts.size?.width).toBeGreaterThan(0);
    facts.look(videoUnit(66, true));
    expect(facts.sets).toBe(sets);
    facts.look({ ...videoUnit(99), nalus: [Buffer.from([0x68, 9])] });
    expect(facts.sets).toEqual({ sps: Buffer.from(sps), pps: Buffer.from([0x68, 9]) });
    expect(facts.newestIdrUs).toBe(66_000);
  });

  it("measures the rate over the last pictures, and does not believe nonsense", () => {
    const facts = new SourceFacts();
    for (let index = 0; index < 9; index += 1) facts.look(videoUnit(index * 40));
    expect(facts.fps).toBeUndefined();
    facts.look(videoUnit(9 * 40));
    expect([facts.fps, facts.steadyFps]).toEqual([25, undefined]);
    for (let index = 0; index < 60; index += 1) facts.look(videoUnit(1000 + index * 20));
    expect([facts.fps, facts.steadyFps]).toEqual([50, 50]);
    for (let index = 0; index < 10; index += 1) facts.look(videoUnit(9000 + index * 20));
    expect(facts.fps).toBe(50); // a pause is not counted
    for (let index = 0; index < 60; index += 1) facts.look(videoUnit(10_000 + index * 0.001));
    expect(facts.steadyFps).toBeUndefined();
  });

  it("keeps the last readable SPS, whatever comes", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 })), (nalus) => {
        const facts = new SourceFacts();
        facts.look(videoUnit(0, true));
        const { size } = facts;
        for (const nalu of nalus)
          facts.look({ ...videoUnit(1), nalus: [Buffer.concat([Buffer.from([0x67]), nalu])] });
        expect(facts.size?.width ?? 0).toBeGreaterThan(0);
        expect(facts.sets?.sps.length).toBeGreaterThanOrEqual(4);
        if (nalus.length === 0) expect(facts.size).toEqual(size);
      }),
    );
  });
});

describe("outputSize", () => {
  const input = { width: 1920, height: 1080 };
  it.each([
    [{}, 1920, 1080],
    [{ width: 1280, height: 720 }, 1280, 720],
    [{ height: 720 }, 1280, 720],
    [{ width: 640 }, 640, 360],
    [{ height: 481 }, 856, 482],
  ])("follows %o", (target, width, height) => {
    expect(outputSize(target, input)).toEqual({ width, height });
  });
});
