import { describe, expect, it } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { hasSent, spotConfig, startAppliance, startRobotProcess } from "../helpers/appliance.ts";
import { judgeRecording } from "../helpers/judge.ts";
import {
  isHolding,
  longestStill,
  reboot,
  smallPicture,
  startLine,
  timesOf,
  untilFlowing,
} from "../helpers/line.ts";
import type { WholeLine } from "../helpers/line.ts";
import { expectOneStream, expectSteadySegments } from "../helpers/one-stream.ts";
import { findBeeps } from "../helpers/sound.ts";

const frameMs = 1000 / 30;

const untilHeld = ({ appliance }: WholeLine) => appliance.until("the picture is held", isHolding);

describe.concurrent("while the camera is away", () => {
  it.for([
    ["constrained-baseline", "periodic"],
    ["main", "periodic"],
    ["high", "periodic-or-pli"],
  ] as const)(
    "the broadcast goes on with the last picture through a reboot of the robot (%s profile, IDR pictures %s)",
    async ([profile, idr]) => {
      await using line = await startLine({ robot: { profile, idr }, nginx: { hls: 120 } });
      const { nginx, appliance } = line;
      await appliance.until("it is live", hasSent(120));
      const told = await reboot(line, 15);
      expect(told.reason).toContain("The camera is away");
      expect(told.reason).toContain("robot");
      expect(told.outputs[0]?.state).toBe("running");
      await untilFlowing(line, 150);
      const segments = await nginx.segments("main");
      const verdict = await line.judge();
      expect(verdict.complaints).toEqual([]);
      expect(verdict.numbers).not.toContain(undefined);
      expectOneStream(timesOf(verdict));
      expect(longestStill(verdict) * frameMs).toBeGreaterThan(11_000);
      expectSteadySegments(segments, 1);
      expect(segments.length).toBeGreaterThan(10);
      expect(nginx.publishes).toHaveLength(1);
    },
  );

  it("silence takes the place of the camera's sound until it is back", async () => {
    await using line = await startLine({ config: { audio: "camera" } });
    const { nginx, appliance } = line;
    await appliance.until("it is live", hasSent(240));
    await reboot(line, 10);
    await untilFlowing(line, 240);
    const verdict = await line.judge();
    expect(verdict.complaints).toEqual([]);
    const beeps = await findBeeps(await nginx.recording("main"));
    const pauses = beeps.slice(1).map((beep, i) => beep - (beeps[i] ?? 0));
    expectOneStream(timesOf(verdict));
    expect(pauses.filter((pause) => pause > 1500)).toHaveLength(1);
    expect(Math.max(...pauses)).toBeGreaterThan(9000);
    expect(pauses.at(-1)).toBeLessThan(1100);
    expect(nginx.publishes).toHaveLength(1);
  });

  it("the broadcast goes on when the camera is silent but connected", async () => {
    await using line = await startLine({ robot: { idr: "periodic-or-pli" }, nginx: { hls: 120 } });
    const { nginx, robot, appliance } = line;
    await appliance.until("it is live", hasSent(120));
    await robot.command({ command: "silence", milliseconds: 3000 });
    const held = await untilHeld(line);
    expect(held.source.state).toBe("running");
    await untilFlowing(line, 150);
    const segments = await nginx.segments("main");
    const { notices } = await appliance.status();
    const verdict = await line.judge();
    expect(verdict.complaints).toEqual([]);
    expectOneStream(timesOf(verdict));
    expect(notices.join(" ")).not.toContain("asked for"); // a pause says nothing about what the camera is set to
    expectSteadySegments(segments, 1);
    expect(nginx.publishes).toHaveLength(1);
  });

  it("a camera that comes back with another size gets a new header in the same broadcast", async () => {
    await using line = await startLine();
    const { nginx, robot, appliance } = line;
    await appliance.until("it is live", hasSent(90));
    await robot.command({ command: "silence", milliseconds: 4000 });
    await untilHeld(line);
    await robot.command({ command: "restart", width: 320, height: 180 });
    await appliance.until("the new picture is out", ({ picture }) => picture?.width === 320);
    await untilFlowing(line, 90);
    const verdict = await line.judge();
    expect(verdict.complaints).toEqual([]);
    expect(verdict.numbers).not.toContain(undefined);
    expectOneStream(timesOf(verdict));
    expect(nginx.publishes).toHaveLength(1);
  });

  it("a camera that comes back with another size begins a new broadcast where that is wanted", async () => {
    await using line = await startLine({ output: { onSizeChange: "republish" } });
    const { nginx, robot, appliance } = line;
    await appliance.until("it is live", hasSent(90));
    await robot.command({ command: "silence", milliseconds: 4000 });
    await untilHeld(line);
    await robot.command({ command: "restart", width: 320, height: 180 });
    await eventually(() => nginx.publishes.length === 2);
    await untilFlowing(line, 90);
    const verdict = await line.judge();
    expect(verdict.complaints).toEqual([]);
    expect(verdict.numbers).not.toContain(undefined);
  });

  it("the broadcast is ended when that takes too long, and begins anew when the camera is back", async () => {
    await using line = await startLine({ config: { hold: { max: 3 } } });
    const { nginx, robot, appliance } = line;
    await appliance.until("it is live", hasSent(90));
    await robot.command({ command: "vanish" });
    await untilHeld(line);
    const first = await judgeRecording(await nginx.recording("main"));
    expect(first.complaints).toEqual([]);
    expectOneStream(timesOf(first));
    expect(longestStill(first) * frameMs).toBeLessThan(4000);
    const ended = await appliance.until("it says so", ({ phase }) => phase === "retrying");
    expect(ended.notices.join(" ")).toContain("the broadcast is ended");
    expect(ended.outputs[0]?.state).toBe("connecting");
    await robot.command({ command: "appear" });
    await untilFlowing(line, 90);
    expect(nginx.publishes).toHaveLength(2);
    const second = await line.judge();
    expect(second.complaints).toEqual([]);
    expect(second.video[0]).toEqual({ dts: 0, keyframe: true });
  });

  it("nothing is sent where nothing is to be held", async () => {
    await using line = await startLine({ config: { hold: { max: 0 } } });
    const { robot, appliance } = line;
    await appliance.until("it is live", hasSent(90));
    await robot.command({ command: "silence", milliseconds: 3000 });
    const { source } = await appliance.status();
    const units = source.counters?.units ?? 0;
    const seen = await appliance.until(
      "pictures come again",
      ({ source, phase }) => phase === "holding" || (source.counters?.units ?? 0) > units + 60,
    );
    expect(seen.phase).toBe("live");
    const verdict = await line.judge();
    expect(verdict.complaints).toEqual([]);
    expect(timesOf(verdict).mostVideoMs).toBeGreaterThan(2800);
  });

  it("an output that joins gets the held picture", async () => {
    await using line = await startLine({ outputs: ["main", "late"], config: { autostart: "never" } });
    const { nginx, robot, appliance } = line;
    await appliance.command({ kind: "set", change: { destinations: ["main"] } });
    await appliance.command("start");
    await appliance.until("it is live", ({ outputs }) => (outputs[0]?.counters?.units ?? 0) > 90);
    await robot.command({ command: "vanish" });
    await untilHeld(line);
    await appliance.command({ kind: "set", change: { destinations: ["main", "late"] } });
    const joined = await appliance.until(
      "the new output has pictures",
      ({ outputs }) => (outputs[1]?.counters?.units ?? 0) > 90,
    );
    expect(joined.phase).toBe("holding");
    await appliance.terminate();
    const verdict = await judgeRecording(await nginx.recording("late"));
    expect(verdict.complaints).toEqual([]);
    expectOneStream(timesOf(verdict));
    expect(new Set(verdict.numbers).size).toBe(1);
    expect(verdict.numbers).not.toContain(undefined);
  });

  it("a stream without any IDR cannot be held, which is said", async () => {
    await using robot = await startRobotProcess({ ...smallPicture, idr: "refresh-only" });
    // The first viewer gets the one IDR there is; the product comes after it.
    await using first = await startAppliance({ ...spotConfig(robot), outputs: [] });
    await first.until("the first viewer has the IDR", ({ source }) => (source.counters?.keyframes ?? 0) > 0);
    await using appliance = await startAppliance({
      ...spotConfig(robot),
      transcode: { allow: false },
      outputs: [{ name: "main", url: "rtmp://127.0.0.1:9/app", streamKey: "none" }],
    });
    await appliance.until("pictures come", ({ source }) => (source.counters?.units ?? 0) > 60);
    await robot.command({ command: "silence", milliseconds: 2000 });
    const said = await appliance.until("it says so", ({ notices }) =>
      notices.some((text) => text.includes("cannot be held")),
    );
    expect(said.phase).not.toBe("holding");
  });
});
