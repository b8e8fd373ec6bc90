import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Robot } from "../../../../src/simulator/robot.ts";
import { runRobotCommandLine } from "../../../../src/simulator/robot/command-line.ts";

/** A robot that only writes down what it is told. */
function makeRobot() {
  const calls: [string, ...unknown[]][] = [];
  const robot = new Proxy({} as Robot, {
    get: (_, name) =>
      name === "counters"
        ? { frames: 7 }
        : (...given: unknown[]) => void calls.push([String(name), ...given]),
  });
  return { robot, calls };
}

async function run(...lines: string[]) {
  const { robot, calls } = makeRobot();
  const replies: { ok: boolean; error?: string }[] = [];
  async function* input() {
    yield* lines;
  }
  await runRobotCommandLine(input(), robot, (line) => replies.push(JSON.parse(line)));
  return { replies, calls };
}

describe("the robot's command line", () => {
  it("does what a line says and answers each", async () => {
    const { replies, calls } = await run(
      '{"command":"loss","percent":1.5}',
      "",
      '{"command":"restart"}',
      '{"command":"restart","width":1281,"height":720}',
      '{"command":"idr","mode":"on-pli"}',
      '{"command":"services","run":false}',
      '{"command":"silence","milliseconds":500}',
    );
    expect(calls).toEqual([
      ["setNetwork", { lossPercent: 1.5 }],
      ["restart", undefined],
      ["restart", { width: 1280, height: 720 }],
      ["change", { idr: "on-pli" }],
      ["setServices", false],
      ["beSilent", 500],
    ]);
    expect(replies).toEqual(calls.map(() => ({ ok: true })));
  });

  it("gives the counters", async () => {
    const { replies } = await run('{"command":"counters"}');
    expect(replies).toMatchObject([{ ok: true, counters: { frames: 7 } }]);
  });

  it("says what it expected and goes on", async () => {
    const { replies, calls } = await run(
      '{"command":"loss","percent":101}',
      "nonsense",
      '{"command":"toString"}',
    );
    expect(calls).toEqual([]);
    expect(replies.map(({ ok }) => ok)).toEqual([false, false, false]);
    expect(replies[0]?.error).toBe("expected percent from 0 to 100, got 101");
  });

  it("answers every line with JSON, whatever it holds", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(fc.string(), fc.json())), async (lines) => {
        const { replies } = await run(...lines);
        expect(replies).toHaveLength(lines.filter((line) => line.trim() !== "").length);
      }),
    );
  });
});
