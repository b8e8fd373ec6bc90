import { describe, expect, it } from "vitest";
import type { CameraControl } from "../../../src/domain/camera.ts";
import type { Command, Origin } from "../../../src/domain/command.ts";
import { Fault } from "../../../src/domain/fault.ts";
import type { Phase, StatusEvent } from "../../../src/domain/status.ts";
import type { Onlooker } from "../../../src/domain/preview.ts";
import type { Remembered } from "../../../src/supervisor/memory.ts";
import { createSupervisor } from "../../../src/supervisor/supervisor.ts";
import type { SupervisorOptions } from "../../../src/supervisor/supervisor.ts";
import { eventually } from "../../helpers/eventually.ts";
import { createHandCamera, createHandSource, createListOutput, keyframe } from "../../helpers/parts.ts";

function setUp(
  outputNames: readonly string[] = ["one"],
  camera?: CameraControl,
  prepare: SupervisorOptions["prepare"] = async () => {},
  holdMs = 0,
  onlooker?: Onlooker,
) {
  const source = createHandSource();
  const outputs = outputNames.map(createListOutput);
  const events: StatusEvent[] = [];
  const remembered: Remembered[] = [];
  const supervisor = createSupervisor({
    createLine: () => ({
      sourceName: source.name,
      outputNames,
      build: () => ({
        ...{ source, outputs, queue: { bytes: 1e6, milliseconds: 3000 } },
        ...{ destinations: {}, hasAudio: true, holdMs },
        ...(onlooker && { onlooker }),
      }),
      ...(camera && { camera }),
      ...(onlooker && { onlooker }),
      encoder: { restoreOnExit: true, congestionControlAfter: true, stateDirectory: "/dev/null" },
      rate: { floor: 400_000, configured: undefined },
      idrSeconds: 2,
    }),
    initial: {
      desired: "idle",
      locked: false,
      settings: { destinations: outputNames, bitrateCap: null, audio: "silent" },
    },
    report: (event) => events.push(event),
    remember: async (state) => void remembered.push(state),
    prepare,
  });
  const controller = new AbortController();
  const running = supervisor.run(controller.signal);
  let count = 0;
  const send = (
    command: "start" | "stop" | "restart" | "status" | "lock" | "unlock",
    id = `request-${(count += 1)}`,
  ) => supervisor.submit({ id, command: { kind: command }, origin: "cli" });
  const submit = (command: Command, origin: Origin = "cli") =>
    supervisor.submit({ id: `request-${(count += 1)}`, command, origin });
  const phases = (): Phase[] => events.flatMap((event) => (event.type === "phase" ? [event.phase] : []));
  return {
    source,
    outputs,
    events,
    remembered,
    supervisor,
    send,
    submit,
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
    expect(line.remembered.map(({ desired }) => desired)).toEqual(["live"]);
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
    expect(line.remembered.map(({ desired }) => desired)).toEqual(["live"]);
    await line.send("stop");
    expect(line.remembered.map(({ desired }) => desired)).toEqual(["live", "idle"]);
  });
});

describe("the supervisor at power-on", () => {
  it("shows what it waits for before it begins, and can be told to stop meanwhile", async () => {
    await using line = setUp(["one"], undefined, async (tell, signal) => {
      tell("Waiting for the clock.");
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    });
    await line.send("start");
    await eventually(() => line.supervisor.status().reason === "Waiting for the clock.");
    expect(line.phase()).toBe("starting");
    await line.send("stop");
    await eventually(() => line.phase() === "idle");
    expect(line.source.runs).toBe(0);
  });
});

describe("the supervisor's hands", () => {
  it("ends and starts outputs while the others go on", async () => {
    await using line = setUp(["one", "two"]);
    await line.send("start");
    await eventually(() => line.source.runs === 1);
    line.source.emit(keyframe());
    await eventually(() => line.outputs.every(({ runs }) => runs === 1));
    await line.submit({ kind: "set", change: { destinations: ["one"] } });
    await eventually(() => line.supervisor.status().outputs[1]?.state === "idle");
    expect(line.supervisor.status().settings.destinations).toEqual(["one"]);
    expect(line.outputs[0]?.runs).toBe(1);
    await line.submit({ kind: "set", change: { destinations: ["one", "two"] } });
    await eventually(() => line.outputs[1]?.runs === 2);
    expect(line.outputs[0]?.runs).toBe(1);
    expect(line.source.runs).toBe(1);
  });

  it("refuses an output that does not exist, names those that do, and changes nothing", async () => {
    await using line = setUp(["one"]);
    const result = await line.submit({ kind: "set", change: { destinations: ["two"], audio: "none" } });
    expect(result).toMatchObject({
      ok: false,
      fault: { code: "usage", message: expect.stringContaining("one") },
    });
    expect(line.supervisor.status().settings.audio).toBe("silent");
  });

  it("begins a new session for another sound, and at restart", async () => {
    await using line = setUp();
    await line.send("start");
    await eventually(() => line.source.runs === 1);
    await line.submit({ kind: "set", change: { audio: "none" } });
    await eventually(() => line.source.runs === 2);
    await line.send("restart");
    await eventually(() => line.source.runs === 3);
    expect(line.supervisor.status().desired).toBe("live");
  });

  it("keeps the camera from chat and MQTT while it is locked, and from nobody else", async () => {
    const camera = createHandCamera();
    await using line = setUp(["one"], camera);
    const look: Command = { kind: "camera", action: { kind: "look", pan: 5, tilt: 0, zoom: 1 } };
    await line.send("lock");
    expect(line.supervisor.status().locked).toBe(true);
    for (const origin of ["chat", "mqtt"] as const) {
      expect(await line.submit(look, origin)).toMatchObject({ ok: false, fault: { code: "locked" } });
    }
    expect(await line.submit(look, "http")).toMatchObject({ ok: true });
    expect(camera.actions).toHaveLength(1);
    await line.send("unlock");
    expect(await line.submit(look, "chat")).toMatchObject({ ok: true });
    expect(line.remembered.map(({ locked }) => locked)).toEqual([true, false]);
  });

  it("refuses moves of chat that were already waiting when the camera was locked", async () => {
    const camera = createHandCamera();
    camera.hold();
    await using line = setUp(["one"], camera);
    const look: Command = { kind: "camera", action: { kind: "look", pan: 5, tilt: 0, zoom: 1 } };
    const moves = [line.submit(look, "chat"), line.submit(look, "chat"), line.submit(look, "http")];
    await line.send("lock");
    camera.release();
    expect((await Promise.all(moves)).map(({ ok }) => ok)).toEqual([true, false, true]);
    expect(camera.actions).toHaveLength(2);
  });

  it("carries out camera moves one after the other, refuses a pile of them, and never holds up a stop", async () => {
    const camera = createHandCamera();
    camera.hold();
    await using line = setUp(["one"], camera);
    const look: Command = { kind: "camera", action: { kind: "look", pan: 5, tilt: 0, zoom: 1 } };
    const moves = Array.from({ length: 6 }, () => line.submit(look));
    expect(await line.send("stop")).toMatchObject({ ok: true });
    expect(await moves[5]).toMatchObject({ ok: false, fault: { code: "rate-limited" } });
    expect(camera.actions).toHaveLength(1);
    camera.release();
    expect((await Promise.all(moves.slice(0, 4))).every(({ ok }) => ok)).toBe(true);
    expect(camera.actions).toHaveLength(4);
  });

  it("asks the camera for the capped bit rate and remembers the cap", async () => {
    const camera = createHandCamera();
    await using line = setUp(["one"], camera);
    await line.send("start");
    await eventually(() => line.source.runs === 1);
    line.source.emit(keyframe());
    await line.submit({ kind: "set", change: { bitrateCap: 3_000_000 } });
    await eventually(() => camera.streamSettings.some(({ targetBitrate }) => targetBitrate === 3_000_000));
    expect(line.remembered.at(-1)?.settings.bitrateCap).toBe(3_000_000);
  });

  it("says what a source cannot do, and that clips are to come", async () => {
    await using line = setUp();
    const results = await Promise.all([
      line.submit({ kind: "set", change: { bitrateCap: 3_000_000 } }),
      line.submit({ kind: "camera", action: { kind: "lights", brightness: 1 } }),
      line.submit({ kind: "clip", seconds: 30 }),
    ]);
    for (const result of results)
      expect(result).toMatchObject({ ok: false, fault: { code: "not-supported" } });
  });

  it("passes a wish for a keyframe on to the source", async () => {
    await using line = setUp();
    await line.send("start");
    await eventually(() => line.source.runs === 1);
    await line.submit({ kind: "keyframe" });
    expect(line.source.keyframeRequests).toBe(1);
  });
});

describe("an onlooker while the line is stopped", () => {
  function createHandOnlooker() {
    let tell = (): void => {};
    const onlooker = {
      shown: 0,
      attending: 0,
      isWanted: false,
      onWish: (listener: () => void) => void (tell = listener),
      wish(wanted: boolean) {
        onlooker.isWanted = wanted;
        tell();
      },
      attend() {
        onlooker.attending += 1;
        return {
          show: () => void (onlooker.shown += 1),
          [Symbol.dispose]: () => void (onlooker.attending -= 1),
        };
      },
    };
    return onlooker;
  }

  it("gets the camera's pictures; the line stays idle and nothing is published", async () => {
    const onlooker = createHandOnlooker();
    await using line = setUp(["one"], undefined, undefined, 0, onlooker);
    onlooker.wish(true);
    await eventually(() => line.source.runs === 1);
    line.source.emit(keyframe());
    expect(onlooker.shown).toBe(1);
    expect(line.supervisor.status()).toMatchObject({
      phase: "idle",
      reason: expect.stringContaining("shown to somebody in a browser"),
      source: { state: "running" },
      outputs: [{ state: "idle" }],
    });
    expect(line.outputs[0]?.runs).toBe(0);
    onlooker.wish(false);
    await eventually(() => line.supervisor.status().source.state === "idle");
    expect(line.supervisor.status().reason).toBe("Nothing was started yet.");
    expect(onlooker.attending).toBe(0);
  });

  it("gives the camera up when the line is started, and gets it back when it is stopped", async () => {
    const onlooker = createHandOnlooker();
    await using line = setUp(["one"], undefined, undefined, 0, onlooker);
    onlooker.wish(true);
    await eventually(() => line.source.runs === 1);
    await line.send("start");
    await eventually(() => line.source.runs === 2);
    line.source.emit(keyframe());
    await eventually(() => line.phase() === "live");
    await line.send("stop");
    await eventually(() => line.source.runs === 3);
    expect(line.phase()).toBe("idle");
    expect(new Set(line.phases())).toEqual(new Set(["idle", "starting", "live", "stopping"]));
  });

  it("is told in the reason why there is no picture, and is not tried again for ever", async () => {
    const onlooker = createHandOnlooker();
    await using line = setUp(["one"], undefined, undefined, 0, onlooker);
    onlooker.wish(true);
    await eventually(() => line.source.runs === 1);
    line.source.fail(new Fault("login-refused", "The password is wrong."));
    await eventually(() => line.supervisor.status().reason === "No picture: The password is wrong.");
    expect(line.phase()).toBe("idle");
    expect(line.source.runs).toBe(1);
  });
});
