import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import type { Status } from "../../src/domain/status.ts";
import { Secret } from "../../src/domain/secret.ts";
import { startIngest } from "../../src/simulator/ingest.ts";
import { createCameraIdentity } from "../../src/simulator/robot/certificates.ts";
import { hasSent, isLive, spotConfig, startAppliance, startRobotProcess } from "../helpers/appliance.ts";
import type { Appliance } from "../helpers/appliance.ts";
import { judgeRecording, steps } from "../helpers/judge.ts";
import { startNginxRtmp } from "../helpers/nginx.ts";

const small = { width: 320, height: 180, bitrate: 500_000, idrInterval: 15 };

const output = (status: Status, name = "main") => status.outputs.find((one) => one.name === name);
const sent = (status: Status, name = "main"): number => output(status, name)?.counters?.units ?? 0;

async function untilMore(appliance: Appliance, name = "main", more = 60): Promise<Status> {
  const before = sent(await appliance.status(), name);
  return appliance.until(`${more} more pictures on ${name}`, (status) => sent(status, name) >= before + more);
}

describe.concurrent("the live line and its ingest", () => {
  it("is on the wire again within 3 s of the return of an ingest that was dead for 10 s", async () => {
    await using nginx = await startNginxRtmp();
    await using robot = await startRobotProcess(small);
    await using appliance = await startAppliance({
      ...spotConfig(robot),
      outputs: [{ name: "main", url: nginx.url, streamKey: "back" }],
    });
    await appliance.until("it is live", hasSent(90));
    await nginx.kill();
    await appliance.until("it says why", (now) => output(now)?.fault?.code === "output-unreachable", 15_000);
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    const before = sent(await appliance.status());
    await nginx.start();
    const returned = performance.now();
    await appliance.until("pictures flow again", (status) => sent(status) > before, 15_000);
    expect(performance.now() - returned).toBeLessThan(3000);
    expect(isLive(await untilMore(appliance))).toBe(true);
    expect((await appliance.status()).source.counters?.restarts).toBe(0);
    await appliance.terminate();
    const verdict = await judgeRecording(await nginx.recording("back"));
    expect(verdict.complaints).toEqual([]);
    expect(Math.min(...steps(verdict.video))).toBeGreaterThan(0);
  });

  it("notices an ingest that is open but does not read, says so, and comes back", async () => {
    await using ingest = await startIngest({}, new AbortController().signal);
    await using robot = await startRobotProcess({ ...small, bitrate: 4_000_000, width: 1280, height: 720 });
    await using appliance = await startAppliance({
      ...spotConfig(robot),
      stallSeconds: 3,
      queue: { milliseconds: 1000 },
      outputs: [{ name: "main", url: ingest.url, streamKey: "stall" }],
    });
    await appliance.until("it is live", hasSent(30));
    ingest.mode = "stall";
    const stalled = await appliance.until(
      "the stall is noticed",
      (status) => output(status)?.fault?.code === "output-stalled",
      60_000,
    );
    expect(output(stalled)?.queue?.droppedUnits).toBeGreaterThan(0);
    ingest.mode = "accept";
    await untilMore(appliance);
    expect(isLive(await appliance.status())).toBe(true);
  });

  it("stops trying a key that the server refuses in words, and says so", async () => {
    await using ingest = await startIngest({}, new AbortController().signal);
    ingest.mode = "refuse-key";
    await using robot = await startRobotProcess(small);
    await using appliance = await startAppliance({
      ...spotConfig(robot),
      outputs: [{ name: "main", url: ingest.url, streamKey: "refused-key" }],
    });
    const status = await appliance.until("it gave up", ({ phase }) => phase === "idle");
    expect(output(status)).toMatchObject({
      state: "failed",
      fault: { code: "key-refused", retryable: false },
    });
    expect(status.reason).toContain("key");
    expect(status.desired).toBe("idle");
    ingest.mode = "accept";
    await appliance.command("start");
    await appliance.until("a new start tries again", hasSent(30));
  });

  it("explains a connection that is closed without a word as a key problem and tries again slowly", async () => {
    await using nginx = await startNginxRtmp({ allow: (key) => key === "right" });
    await using robot = await startRobotProcess(small);
    await using appliance = await startAppliance({
      ...spotConfig(robot),
      outputs: [{ name: "main", url: nginx.url, streamKey: "wrong" }],
    });
    const status = await appliance.until("it was refused twice", () => nginx.publishes.length >= 2);
    expect(output(status)?.fault?.code).toBe("closed-early");
    expect(output(status)?.fault?.message).toMatch(/stream key/);
    expect(status.phase).toBe("retrying");
    expect(nginx.publishes.length).toBeLessThan(4);
  });

  it("refuses an rtmps server with a certificate that nobody vouches for, and hardly tries again", async () => {
    const { certificatePem, keyPem } = await createCameraIdentity();
    await using ingest = await startIngest(
      { tls: { cert: certificatePem, key: keyPem }, streamKey: new Secret("tls") },
      new AbortController().signal,
    );
    await using robot = await startRobotProcess(small);
    await using appliance = await startAppliance({
      ...spotConfig(robot),
      outputs: [{ name: "main", url: ingest.url, streamKey: "tls" }],
    });
    const status = await appliance.until("it was refused", ({ outputs }) => outputs[0]?.state === "waiting");
    expect(output(status)?.fault).toMatchObject({ code: "output-tls" });
    expect(output(status)?.retryInMs).toBeGreaterThan(29_000);
    expect(ingest.report().frames).toBe(0);
  });

  it("keeps one ingest going untouched while the other one hangs", async () => {
    await using nginx = await startNginxRtmp();
    const hanging = createServer(() => {}).listen(0, "127.0.0.1"); // accepts and never answers
    await once(hanging, "listening");
    await using robot = await startRobotProcess(small);
    await using appliance = await startAppliance({
      ...spotConfig(robot),
      outputs: [
        { name: "good", url: nginx.url, streamKey: "good" },
        {
          name: "bad",
          url: `rtmp://127.0.0.1:${(hanging.address() as AddressInfo).port}/app`,
          streamKey: "bad",
        },
      ],
    });
    const status = await appliance.until(
      "the good one runs and the bad one failed",
      (now) => sent(now, "good") > 400 && output(now, "bad")?.fault !== undefined,
      60_000,
    );
    expect(status.phase).toBe("live");
    expect(status.reason).toContain("good");
    expect(output(status, "good")?.queue?.droppedUnits).toBe(0);
    expect((await appliance.terminate()).milliseconds).toBeLessThan(5000);
    hanging.close();
    const verdict = await judgeRecording(await nginx.recording("good"));
    expect(verdict.complaints).toEqual([]);
    expect(Math.max(...steps(verdict.video))).toBeLessThanOrEqual(40);
  });
});
