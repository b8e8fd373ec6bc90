import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { startIngest } from "../../src/simulator/ingest.ts";
import { hasSent, isLive, spotConfig, startAppliance, startRobotProcess } from "../helpers/appliance.ts";
import { measurable, measureKeptMemory } from "../helpers/kept-memory.ts";
import { startNginxRtmp } from "../helpers/nginx.ts";

const run = promisify(execFile);
const small = { width: 320, height: 180, bitrate: 500_000, idrInterval: 15 };

const descriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

function childrenOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean),
  );
}

describe("the life of the appliance", () => {
  it("survives 50 starts and stops with flat memory, flat descriptors and no child left", async () => {
    await using ingest = await startIngest({}, new AbortController().signal);
    await using robot = await startRobotProcess(small);
    await using appliance = await startAppliance(
      {
        source: "spot",
        spot: { ...(spotConfig(robot)["spot"] as object), idrSeconds: 0.5 },
        autostart: "never",
        outputs: [{ name: "main", url: ingest.url, streamKey: "cycle" }],
      },
      { environment: measurable },
    );
    const startAndStop = async (times: number): Promise<void> => {
      for (let cycle = 0; cycle < times; cycle += 1) {
        await appliance.command("start");
        await appliance.until("it is live", isLive);
        await appliance.command("stop");
        await appliance.until("it is idle", ({ phase }) => phase === "idle");
      }
    };
    await startAndStop(20); // by then everything that is loaded once is there
    const early = await measureKeptMemory(appliance);
    const earlyDescriptors = descriptors(appliance.pid);
    await startAndStop(30);
    const late = await measureKeptMemory(appliance);
    expect(ingest.report().connections).toBe(50);
    expect(childrenOf(appliance.pid)).toEqual([]);
    expect(descriptors(appliance.pid)).toBeLessThanOrEqual(earlyDescriptors + 2);
    // What the last stop has not ended yet is among them; one kept by each start would be 30.
    expect(late.resources).toBeLessThanOrEqual(early.resources + 10);
    expect(late.objects).toBeLessThan(early.objects * 1.05);
    expect(late.external).toBeLessThan(early.external + 1e6);
    expect(late.resident).toBeLessThan(early.resident * 1.1);
  });

  it("closes its outputs cleanly within 5 s of SIGTERM and leaves no child, with the camera's sound too", async () => {
    await using nginx = await startNginxRtmp();
    await using robot = await startRobotProcess(small);
    await using appliance = await startAppliance({
      ...spotConfig(robot),
      audio: "camera",
      outputs: [{ name: "main", url: nginx.url, streamKey: "term" }],
    });
    await appliance.until("it is live", hasSent(150));
    const children = childrenOf(appliance.pid);
    expect(children).toHaveLength(1);
    const { code, milliseconds } = await appliance.terminate();
    expect(code).toBe(0);
    expect(milliseconds).toBeLessThan(5000);
    expect(children.filter((pid) => readdirSync("/proc").includes(pid))).toEqual([]);
    const { stdout } = await run("ffprobe", [
      ...["-v", "error", "-select_streams", "a", "-show_entries", "stream=codec_name,sample_rate,channels"],
      ...["-of", "csv=p=0", await nginx.recording("term")],
    ]);
    expect(stdout.trim()).toBe("aac,48000,2");
  });

  it("comes up live after a power cut when it was live before, and stays idle when it was stopped", async () => {
    await using ingest = await startIngest({}, new AbortController().signal);
    await using robot = await startRobotProcess(small);
    const stateDirectory = await mkdtemp(join(tmpdir(), "spotlive-test-state-"));
    const config = {
      ...spotConfig(robot),
      autostart: "last",
      stateDirectory,
      outputs: [{ name: "main", url: ingest.url, streamKey: "last" }],
    };
    {
      await using appliance = await startAppliance(config);
      expect((await appliance.status()).desired).toBe("idle");
      await appliance.command("start");
    } // SIGKILL: the power is gone
    {
      await using appliance = await startAppliance(config);
      await appliance.until("it is live by itself", isLive);
      await appliance.command("stop");
    }
    await using appliance = await startAppliance(config);
    await appliance.until("it has decided", () => true);
    expect((await appliance.status()).desired).toBe("idle");
    await rm(stateDirectory, { recursive: true });
  });

  it.each([
    ["robot", "ingest"],
    ["ingest", "robot"],
  ])("comes up live from power-on by itself when the %s is there first and the %s last", async (first) => {
    await using nginx = await startNginxRtmp();
    await using robot = await startRobotProcess(small);
    await nginx.kill();
    await robot.command({ command: "vanish" });
    await using appliance = await startAppliance({
      ...spotConfig(robot),
      outputs: [{ name: "main", url: nginx.url, streamKey: "power-on" }],
    });
    const waiting = await appliance.until(
      "it says what it waits for",
      ({ source }) => source.fault !== undefined,
    );
    expect(waiting.reason).toContain("robot");
    const appear = [() => robot.command({ command: "appear" }), () => nginx.start()];
    for (const [i, come] of (first === "robot" ? appear : appear.toReversed()).entries()) {
      await come();
      if (i === 0) await new Promise((resolve) => setTimeout(resolve, 1500)); // the other one is still away
    }
    await appliance.until("it is live", hasSent(30), 60_000);
  });

  it("shows a canary key and password nowhere: not in arguments, environment, logs, status or errors", async () => {
    const canaries = { key: "live_canary_8f3aQ", password: "canary-pa55word!", robot: "spotlive-simulator" };
    await using nginx = await startNginxRtmp({ allow: (key) => key === canaries.key });
    await using robot = await startRobotProcess(small);
    const spot = spotConfig(robot)["spot"] as object;
    await using appliance = await startAppliance(
      {
        source: "spot",
        spot: { ...spot, password: null, passwordFile: "$DIRECTORY/password" },
        audio: "camera",
        logLevel: "trace",
        outputs: [
          { name: "main", url: nginx.url, streamKeyFile: "$DIRECTORY/key" },
          { name: "twin", url: nginx.url, streamKey: canaries.password },
          { name: "gone", url: "rtmp://127.0.0.1:9/app", streamKey: canaries.key },
        ],
      },
      { files: { password: canaries.robot, key: canaries.key } },
    );
    await appliance.until("one is live, the others failed", ({ outputs }) => {
      const [main, twin, gone] = outputs;
      return (main?.counters?.units ?? 0) > 90 && twin?.fault !== undefined && gone?.fault !== undefined;
    });
    const seen = [
      JSON.stringify(await appliance.status()),
      ...[appliance.pid, ...childrenOf(appliance.pid)].flatMap((pid) =>
        ["cmdline", "environ"].map((file) => readFileSync(`/proc/${pid}/${file}`, "latin1")),
      ),
    ];
    await nginx.kill();
    await appliance.until("main failed as well", ({ outputs }) => outputs[0]?.fault !== undefined);
    await appliance.terminate();
    seen.push(appliance.output());
    for (const canary of Object.values(canaries)) {
      for (const [place, text] of seen.entries()) {
        expect(text.includes(canary), `${canary} in place ${place}`).toBe(false);
      }
    }
    expect(appliance.output()).toContain("output/main");
  });

  it("takes an environment variable as the stream key without passing it on to children", async () => {
    await using nginx = await startNginxRtmp();
    await using robot = await startRobotProcess(small);
    await using appliance = await startAppliance(
      { ...spotConfig(robot), audio: "camera" },
      { environment: { SPOTLIVE_RTMP_URL: nginx.url, SPOTLIVE_STREAM_KEY: "from-environment" } },
    );
    await appliance.until("it is live", hasSent(60));
    for (const pid of childrenOf(appliance.pid)) {
      expect(readFileSync(`/proc/${pid}/environ`, "latin1")).not.toContain("from-environment");
    }
  });
});
