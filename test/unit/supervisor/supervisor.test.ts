import { describe, expect, it } from "vitest";
import type { Command } from "../../../src/domain/command.ts";
import { Fault } from "../../../src/domain/fault.ts";
import type { Phase, Status, StatusEvent } from "../../../src/domain/status.ts";
import { createSupervisor } from "../../../src/supervisor/supervisor.ts";
import { createHandSource, createListOutput, eventually, keyframe } from "../../helpers/parts.ts";

function setUp(outputNames: readonly string[] = ["one"]) {
  const source = createHandSource();
  const outputs = outputNames.map(createListOutput);
  const events: StatusEvent[] = [];
  const remembered: Status["desired"][] = [];
  const supervisor = createSupervisor({
    createParts: () => ({ source, outputs, queue: { bytes: 1e6, milliseconds: 3000 } }),
    report: (event) => events.push(event),
    remember: async (desired) => void remembered.push(desired),
    prepare: async () => {},
  });
  const controller = new AbortController();
  const running = supervisor.run(controller.signal);
  let count = 0;
  const send = (command: Command["kind"], id = `request-${(count += 1)}`) =>
    supervisor.submit({ id, command: { kind: command }, origin: "cli" });
  const phases = (): Phase[] => events.flatMap((event) => (event.type === "phase" ? [event.phase] : []));
  return {
    source,
    outputs,
    events,
    remembered,
    supervisor,
    send,
    phases,
    phase: () => supervisor.status().phase,
    async [Symbol.asyncDispose]() {
      controller.abort();
      await running;
    },
  };
}

describe("the supervisor", () => {
  it("goes from idle over starting to live, and over stopping back to idle", async () => {
    await using line = setUp();
    expect(line.phase()).toBe("idle");
    await line.send("start");
    await eventually(() => line.source.runs === 1);
    line.source.emit(keyframe());
    await eventually(() => line.phase() === "live");
    await line.send("stop");
    await eventually(() => line.phase() === "idle");
    expect([...new Set(line.phases())]).toEqual(["starting", "live", "stopping", "idle"]);
  });

  it("carries each command out once, however often the same request comes", async () => {
    await using line = setUp();
    const [first, second] = await Promise.all([line.send("start", "same"), line.send("start", "same")]);
    expect(first).toBe(second);
    expect(line.remembered).toEqual(["live"]);
  });

  it("refuses a request that came too late, and does nothing", async () => {
    await using line = setUp();
    const result = await line.supervisor.submit({
      id: "late",
      command: { kind: "start" },
      origin: "cli",
      expiresAt: -1,
    });
    expect(result).toMatchObject({ ok: false, fault: { code: "expired" } });
    expect(line.phase()).toBe("idle");
    expect(line.remembered).toEqual([]);
  });

  it("takes start while live and stop while idle without any effect", async () => {
    await using line = setUp();
    expect(await line.send("stop")).toMatchObject({ ok: true });
    await line.send("start");
    await eventually(() => line.source.runs === 1);
    line.source.emit(keyframe());
    await eventually(() => line.phase() === "live");
    await line.send("start");
    expect(line.source.runs).toBe(1);
    expect(line.phase()).toBe("live");
  });

  it("tries a lost source again, tells why, and is live again", async () => {
    await using line = setUp();
    await line.send("start");
    await eventually(() => line.source.runs === 1);
    line.source.emit(keyframe());
    await eventually(() => line.phase() === "live");
    line.source.fail(new Fault("connection-lost", "The cable is out."));
    await eventually(() => line.phase() === "retrying");
    expect(line.supervisor.status().reason).toBe("The cable is out.");
    await eventually(() => line.source.runs === 2);
    line.source.emit(keyframe(10_000));
    await eventually(() => line.phase() === "live");
    expect(line.outputs[0]?.runs).toBe(1);
  });

  it("stops for a fault that trying again cannot cure, and says so", async () => {
    await using line = setUp();
    await line.send("start");
    await eventually(() => line.source.runs === 1);
    line.source.fail(new Fault("login-refused", "Wrong password."));
    await eventually(() => line.phase() === "idle");
    expect(line.supervisor.status()).toMatchObject({ desired: "idle", reason: "Stopped: Wrong password." });
    expect(line.source.runs).toBe(1);
  });

  it("stays live on one output while another has failed for good, and gives that one a new chance at start", async () => {
    await using line = setUp(["good", "bad"]);
    const [, bad] = line.outputs;
    if (bad === undefined) throw new Error("no output");
    bad.fault = new Fault("key-refused", "The key is wrong.");
    await line.send("start");
    await eventually(() => line.source.runs === 1);
    line.source.emit(keyframe());
    await eventually(() => line.supervisor.status().outputs[1]?.state === "failed");
    await eventually(() => line.phase() === "live");
    expect(line.supervisor.status().reason).toBe("Live on good; 1 of 2 outputs not.");
    bad.fault = undefined;
    await line.send("start");
    await eventually(() => line.supervisor.status().outputs[1]?.state === "running");
    expect(line.outputs[0]?.runs).toBe(1);
  });

  it("stops when every output has failed for good", async () => {
    await using line = setUp(["one", "two"]);
    for (const output of line.outputs) output.fault = new Fault("key-refused", "The key is wrong.");
    await line.send("start");
    await eventually(() => line.source.runs === 1);
    line.source.emit(keyframe());
    await eventually(() => line.phase() === "idle");
    expect(line.supervisor.status().reason).toBe("Stopped: The key is wrong.");
  });

  it("connects no output before there is a picture to begin with", async () => {
    await using line = setUp();
    await line.send("start");
    await eventually(() => line.source.runs === 1);
    line.source.emit({ ...keyframe(), kind: "video", keyframe: false } as never);
    expect(line.outputs[0]?.runs).toBe(0);
    line.source.emit(keyframe(40));
    await eventually(() => line.outputs[0]?.runs === 1);
  });

  it("remembers what is wanted before it answers", async () => {
    await using line = setUp();
    await line.send("start");
    expect(line.remembered).toEqual(["live"]);
    await line.send("stop");
    expect(line.remembered).toEqual(["live", "idle"]);
  });
});
