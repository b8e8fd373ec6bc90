import { describe, expect, it } from "vitest";
import { hasSent, isLive, spotConfig, startAppliance, startRobotProcess } from "../helpers/appliance.ts";
import { countJumps } from "../helpers/bar-code.ts";
import { judgeRecording, steps } from "../helpers/judge.ts";
import { startNginxRtmp } from "../helpers/nginx.ts";

describe("the live line", () => {
  it("carries 60 s of 1080p30 at 8 Mbit/s: every frame once, in order, undamaged, with sound from the first packet", async () => {
    await using nginx = await startNginxRtmp();
    await using robot = await startRobotProcess();
    await using appliance = await startAppliance({
      ...spotConfig(robot),
      outputs: [{ name: "main", url: nginx.url, streamKey: "steady" }],
    });
    await appliance.until("1800 pictures are out", hasSent(1800), 90_000);
    const status = await appliance.status();
    expect(status.source.counters).toMatchObject({ lostPackets: 0, droppedUnits: 0, restarts: 0 });
    expect(status.outputs[0]?.queue?.droppedUnits).toBe(0);
    expect((await appliance.terminate()).code).toBe(0);

    const verdict = await judgeRecording(await nginx.recording("steady"));
    expect(verdict.complaints).toEqual([]);
    expect(verdict.numbers.length).toBeGreaterThanOrEqual(1800);
    const { frameNumberModulus } = await robot.command({ command: "counters" });
    expect(countJumps(verdict.numbers, Number(frameNumberModulus))).toBe(0);
    expect(Math.min(...steps(verdict.video))).toBeGreaterThan(0);
    expect(Math.max(...steps(verdict.video))).toBeLessThanOrEqual(40);
    expect(verdict.audio[0]?.dts).toBeLessThanOrEqual(verdict.video[0]?.dts ?? 0);
    expect(Math.min(...steps(verdict.audio))).toBeGreaterThan(0);
    expect(Math.max(...steps(verdict.audio))).toBeLessThanOrEqual(24);
  });

  it.concurrent("recovers 1 % packet loss by asking again, so that hardly a picture is missing", async () => {
    await using nginx = await startNginxRtmp();
    await using robot = await startRobotProcess({
      lossPercent: 1,
      width: 640,
      height: 360,
      bitrate: 2_000_000,
    });
    await using appliance = await startAppliance({
      ...spotConfig(robot),
      outputs: [{ name: "main", url: nginx.url, streamKey: "loss" }],
    });
    const status = await appliance.until("500 pictures are out", hasSent(500), 60_000);
    await appliance.terminate();
    expect(status.source.counters?.recoveredPackets).toBeGreaterThan(20);
    expect(status.source.counters?.lostPackets).toBeLessThanOrEqual(2);
    const verdict = await judgeRecording(await nginx.recording("loss"));
    expect(verdict.complaints).toEqual([]);
  });

  it.concurrent("freezes at a loss that cannot be recovered, and shows nothing damaged before the next IDR", async () => {
    await using nginx = await startNginxRtmp();
    await using robot = await startRobotProcess({
      lossPercent: 35,
      width: 640,
      height: 360,
      idrInterval: 15,
    });
    await using appliance = await startAppliance({
      ...spotConfig(robot),
      outputs: [{ name: "main", url: nginx.url, streamKey: "freeze" }],
    });
    const status = await appliance.until("pictures were dropped", ({ source, outputs }) => {
      return (source.counters?.droppedUnits ?? 0) > 20 && (outputs[0]?.counters?.units ?? 0) > 100;
    });
    await appliance.terminate();
    expect(status.source.counters?.keyframeRequests).toBeGreaterThan(1);
    expect((await judgeRecording(await nginx.recording("freeze"))).complaints).toEqual([]);
  });

  it.concurrent("goes over the wraps of sequence number and timestamp as if there were none", async () => {
    await using nginx = await startNginxRtmp();
    await using robot = await startRobotProcess({
      startSequence: 65_000,
      startTimestamp: 2 ** 32 - 90_000 * 5,
      width: 640,
      height: 360,
    });
    await using appliance = await startAppliance({
      ...spotConfig(robot),
      outputs: [{ name: "main", url: nginx.url, streamKey: "wraps" }],
    });
    const status = await appliance.until("300 pictures are out", hasSent(300));
    await appliance.terminate();
    expect(status.source.counters).toMatchObject({ lostPackets: 0, restarts: 0, droppedUnits: 0 });
    const verdict = await judgeRecording(await nginx.recording("wraps"));
    expect(verdict.complaints).toEqual([]);
    expect(Math.max(...steps(verdict.video))).toBeLessThanOrEqual(40);
    expect(Math.min(...steps(verdict.video))).toBeGreaterThan(0);
  });

  it.concurrent("follows a restarted robot to its new SSRC and its new size without a step back in time", async () => {
    await using nginx = await startNginxRtmp();
    await using robot = await startRobotProcess({ width: 640, height: 360 });
    await using appliance = await startAppliance({
      ...spotConfig(robot),
      outputs: [{ name: "main", url: nginx.url, streamKey: "restart" }],
    });
    await appliance.until("it is live", hasSent(60));
    await robot.command({ command: "restart", width: 320, height: 180 });
    const status = await appliance.until("the new picture is out", ({ picture }) => picture?.width === 320);
    const sent = status.outputs[0]?.counters?.units ?? 0;
    const after = await appliance.until("the line goes on", hasSent(sent + 60));
    expect(after.source.counters?.restarts).toBe(1);
    expect(isLive(after)).toBe(true);
    await appliance.terminate();
    const verdict = await judgeRecording(await nginx.recording("restart"));
    expect(verdict.complaints).toEqual([]);
    expect(verdict.numbers).not.toContain(undefined);
    expect(Math.min(...steps(verdict.video))).toBeGreaterThan(0);
  });
});
