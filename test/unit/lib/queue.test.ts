import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AudioUnit, Unit } from "../../../src/domain/media.ts";
import { UnitQueue } from "../../../src/lib/queue.ts";
import { videoUnit } from "../../helpers/units.ts";

const roomy = { bytes: 1_000_000, milliseconds: 60_000 };

function audioUnit(ms: number): AudioUnit {
  return { kind: "audio", ptsUs: ms * 1000, codec: "opus", payload: new Uint8Array(10) };
}

async function takeAll(queue: UnitQueue): Promise<Unit[]> {
  queue.close();
  const units: Unit[] = [];
  for await (const unit of queue) units.push(unit);
  return units;
}

describe("UnitQueue", () => {
  it("begins with a keyframe, however the stream begins", async () => {
    const queue = new UnitQueue(roomy);
    const units = [audioUnit(0), videoUnit(1), videoUnit(2, true), audioUnit(3), videoUnit(4)];
    for (const unit of units) queue.push(unit);
    expect(queue.counters.droppedUnits).toBe(0);
    expect(await takeAll(queue)).toEqual(units.slice(2));
  });

  it("drops what waits when it is full and goes on with the next keyframe, asking for it once", async () => {
    let overflows = 0;
    const queue = new UnitQueue({ bytes: 1_000_000, milliseconds: 100 }, () => (overflows += 1));
    for (const ms of [0, 40, 80, 120, 160, 200]) queue.push(videoUnit(ms, ms === 0));
    expect(overflows).toBe(1);
    expect(queue.counters).toEqual({ units: 0, bytes: 0, milliseconds: 0, droppedUnits: 6 });
    queue.push(videoUnit(240, true));
    expect((await takeAll(queue)).map(({ ptsUs }) => ptsUs)).toEqual([240_000]);
  });

  it("goes on with the very keyframe that made it overflow", async () => {
    const queue = new UnitQueue({ bytes: 1000, milliseconds: 60_000 });
    queue.push(videoUnit(0, true, 600));
    queue.push(videoUnit(40));
    queue.push(videoUnit(80, true, 600));
    expect(queue.counters).toMatchObject({ units: 1, droppedUnits: 2 });
    expect((await takeAll(queue)).map(({ ptsUs }) => ptsUs)).toEqual([80_000]);
  });

  it("is not full because sound stopped for longer than pictures may wait", async () => {
    const queue = new UnitQueue({ bytes: 1_000_000, milliseconds: 100 });
    queue.push(videoUnit(0, true));
    await queue[Symbol.asyncIterator]().next();
    const units = [audioUnit(20), audioUnit(12_000), videoUnit(12_010)];
    for (const unit of units) queue.push(unit);
    expect(queue.counters).toMatchObject({ milliseconds: 0, droppedUnits: 0 });
    expect(await takeAll(queue)).toEqual(units);
  });

  it("gives what waits, then the end, and takes nothing more once closed", async () => {
    const queue = new UnitQueue(roomy);
    queue.push(videoUnit(0, true));
    queue.close();
    queue.push(videoUnit(40));
    expect(await takeAll(queue)).toHaveLength(1);
  });

  it("wakes a reader that waits", async () => {
    const queue = new UnitQueue(roomy);
    const reading = queue[Symbol.asyncIterator]().next();
    await setImmediate();
    queue.push(videoUnit(0, true));
    expect(await reading).toMatchObject({ done: false });
  });

  it("never gives a picture whose predecessor was dropped, and every picture is given, dropped or waiting", async () => {
    const action = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          kind: fc.constant("picture" as const),
          keyframe: fc.boolean(),
          size: fc.integer({ min: 1, max: 400 }),
        }),
      },
      { weight: 2, arbitrary: fc.constant({ kind: "sound" as const }) },
      { weight: 4, arbitrary: fc.constant({ kind: "read" as const }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 80 }), async (actions) => {
        const queue = new UnitQueue({ bytes: 1500, milliseconds: 400 });
        const reader = queue[Symbol.asyncIterator]();
        const given: Unit[] = [];
        let pushed = 0;
        for (const [index, step] of actions.entries()) {
          if (step.kind === "sound") queue.push(audioUnit(index * 40));
          else if (step.kind === "picture") {
            // The number of the picture, in place of its RTP timestamp, shows gaps.
            queue.push({ ...videoUnit(index * 40, step.keyframe, step.size), rtpTimestamp: pushed });
            if (step.keyframe || pushed > 0) pushed += 1;
          } else if (queue.counters.units > 0) {
            const next = await reader.next();
            if (next.done !== true) given.push(next.value);
          }
        }
        const { units, bytes, droppedUnits } = queue.counters;
        const waiting = (await takeAll(queue)).filter(({ kind }) => kind === "video").length;
        const pictures = given.filter((unit) => unit.kind === "video");
        expect(pictures.length + droppedUnits + waiting).toBe(pushed);
        expect(units === 0).toBe(bytes === 0);
        for (const [index, picture] of pictures.entries()) {
          if (!picture.keyframe)
            expect(picture.rtpTimestamp).toBe((pictures[index - 1]?.rtpTimestamp ?? -9) + 1);
        }
      }),
    );
  });
});
