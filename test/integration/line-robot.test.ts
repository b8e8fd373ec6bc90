import { describe, expect, it } from "vitest";
import { hasSent, isLive, spotConfig, startAppliance, startRobotProcess } from "../helpers/appliance.ts";
import { judgeRecording } from "../helpers/judge.ts";
import { startNginxRtmp } from "../helpers/nginx.ts";

const small = { width: 320, height: 180, bitrate: 500_000, idrInterval: 15 };

describe.concurrent("the live line and its robot", () => {
  it("logs in again when all tokens expired while it was live and the camera then went away and came back", async () => {
    await using nginx = await startNginxRtmp();
    await using robot = await startRobotProcess(small);
    await using appliance = await startAppliance({
      ...spotConfig(robot),
      outputs: [{ name: "main", url: nginx.url, streamKey: "token" }],
    });
    await appliance.until("it is live", hasSent(30));
    await robot.command({ command: "expire-tokens" });
    const before = await appliance.status();
    const sent = before.outputs[0]?.counters?.units ?? 0;
    await appliance.until("the stream outlives its token", hasSent(sent + 60));
    await robot.command({ command: "vanish" });
    await appliance.until("the loss is noticed", ({ source }) => source.state !== "running", 60_000);
    await robot.command({ command: "appear" });
    await appliance.until("it is live again", isLive, 60_000);
    const after = (await appliance.status()).outputs[0]?.counters?.units ?? 0;
    await appliance.until("pictures flow again", hasSent(after + 30));
    await appliance.terminate();
    expect((await judgeRecording(await nginx.recording("token"))).complaints).toEqual([]);
  });

  it("tries a wrong password once, stops, and says why", async () => {
    await using robot = await startRobotProcess(small);
    const config = spotConfig(robot);
    await using appliance = await startAppliance({
      ...config,
      spot: { ...(config["spot"] as object), password: "not-the-password" },
      outputs: [{ name: "main", url: "rtmp://127.0.0.1:9/app", streamKey: "unused" }],
    });
    const status = await appliance.until(
      "it gave up",
      ({ phase, source }) => phase === "idle" && source.state === "failed",
    );
    expect(status.source.fault).toMatchObject({ code: "login-refused", retryable: false });
    expect(status.reason).toContain("password");
    const { counters } = await robot.command({ command: "counters" });
    expect(counters).toMatchObject({ rpcCalls: 1 });
  });

  it("waits for the camera's services, which register late", async () => {
    await using nginx = await startNginxRtmp();
    await using robot = await startRobotProcess({ ...small, servicesAfterMs: 4000 });
    await using appliance = await startAppliance({
      ...spotConfig(robot),
      outputs: [{ name: "main", url: nginx.url, streamKey: "late" }],
    });
    expect((await appliance.status()).phase).toBe("starting");
    await appliance.until("it is live", hasSent(30));
  });

  it("refuses a robot whose certificate is not the pinned one", async () => {
    await using robot = await startRobotProcess(small);
    const config = spotConfig(robot);
    await using appliance = await startAppliance({
      ...config,
      spot: { ...(config["spot"] as object), tls: { fingerprint: "00".repeat(32) } },
      outputs: [{ name: "main", url: "rtmp://127.0.0.1:9/app", streamKey: "unused" }],
    });
    const status = await appliance.until("it gave up", ({ source }) => source.state === "failed");
    expect(status.source.fault?.code).toBe("robot-tls");
    const { counters } = await robot.command({ command: "counters" });
    expect(counters).toMatchObject({ rpcCalls: 0 });
  });

  it("accepts a robot and a camera by their authority files, checking names and chain", async () => {
    await using nginx = await startNginxRtmp();
    await using robot = await startRobotProcess(small);
    const config = spotConfig(robot);
    await using appliance = await startAppliance(
      {
        ...config,
        spot: {
          ...(config["spot"] as object),
          tls: { caFile: "$DIRECTORY/robot.pem" },
          cameraTls: { caFile: "$DIRECTORY/camera.pem" },
        },
        outputs: [{ name: "main", url: nginx.url, streamKey: "ca" }],
      },
      { files: { "robot.pem": robot.up.address.caPem, "camera.pem": robot.up.address.cameraCertificatePem } },
    );
    await appliance.until("it is live", hasSent(30));
    expect((await appliance.status()).notices.join(" ")).not.toContain("insecure");
  });

  it("takes payload credentials, waiting until an operator has authorised them", async () => {
    await using nginx = await startNginxRtmp();
    await using robot = await startRobotProcess({ ...small, payloadPolls: 2, payloadMayControl: "false" });
    const config = spotConfig(robot);
    await using appliance = await startAppliance({
      ...config,
      spot: {
        ...(config["spot"] as object),
        username: null,
        password: null,
        payload: { guid: "b6a4a1f0-5f0e-4a7e-9a59-000000000001", secret: "a-secret-of-a-payload" },
      },
      outputs: [{ name: "main", url: nginx.url, streamKey: "payload" }],
    });
    const waiting = await appliance.until("it says what to do", ({ source }) => source.fault !== undefined);
    expect(waiting.source.fault).toMatchObject({ code: "payload-not-authorized" });
    const live = await appliance.until("it is live", hasSent(30), 60_000);
    expect(live.notices.join(" ")).toContain("goes on with the camera's own settings");
  });

  it("says that a camera without any keyframe cannot be watched where its picture may not be encoded anew", async () => {
    await using nginx = await startNginxRtmp();
    await using robot = await startRobotProcess({ ...small, idr: "refresh-only" });
    // The first viewer gets the one IDR there is; the product comes after it.
    await using first = await startAppliance({ ...spotConfig(robot), outputs: [] });
    await first.until("the first viewer has the IDR", ({ source }) => (source.counters?.keyframes ?? 0) > 0);
    await using appliance = await startAppliance({
      ...spotConfig(robot),
      transcode: { allow: false },
      outputs: [{ name: "main", url: nginx.url, streamKey: "none" }],
    });
    const status = await appliance.until(
      "everything was tried",
      ({ notices }) =>
        notices.some((text) => text.includes("Nothing that the camera was asked for has helped")),
      40_000,
    );
    expect(status).toMatchObject({ phase: "starting", path: "copy" });
    expect(status.reason).toContain("keyframe");
    expect(nginx.publishes).toEqual([]);
    expect(status.notices.join(" ")).toContain("encoding it anew is not allowed");
  });

  it("asks a camera that gives IDRs only on request for one, at once", async () => {
    await using nginx = await startNginxRtmp();
    await using robot = await startRobotProcess({ ...small, idr: "on-pli" });
    await using appliance = await startAppliance({
      ...spotConfig(robot),
      outputs: [{ name: "main", url: nginx.url, streamKey: "pli" }],
    });
    const status = await appliance.until("it is live", hasSent(30));
    expect(status.source.counters?.keyframes).toBeGreaterThan(0);
    const { counters } = await robot.command({ command: "counters" });
    expect((counters as { readonly plis: number }).plis).toBeGreaterThan(0);
  });
});
