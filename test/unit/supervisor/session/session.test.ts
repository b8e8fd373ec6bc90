import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { LineChange } from "../../../../src/domain/command.ts";
import { Fault } from "../../../../src/domain/fault.ts";
import type { VideoUnit } from "../../../../src/domain/media.ts";
import type { Phase, StatusEvent } from "../../../../src/domain/status.ts";
import { nowUs } from "../../../../src/lib/clock.ts";
import type { SessionParts } from "../../../../src/supervisor/session/session.ts";
import { createSupervisor } from "../../../../src/supervisor/supervisor.ts";
import {
  createHandCamera,
  createHandSource,
  createHandTranscoders,
  createListOutput,
} from "../../../helpers/parts.ts";
import type { HandCamera } from "../../../helpers/parts.ts";
import { unitsFromAnnexB } from "../../../helpers/publish.ts";

/** 90 pictures of a real stream of 160x96, an IDR at 0, 30 and 60. */
let stream: readonly VideoUnit[] = [];

beforeAll(async () => {
  stream = await unitsFromAnnexB(join(import.meta.dirname, "../../../fixtures/openh264-160x96.h264"), 30);
});

beforeEach(() => {
  // Files are read and written meanwhile, which takes turns of the real event loop.
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] });
});

afterEach(() => {
  vi.useRealTimers();
});

const pass = async (milliseconds: number): Promise<void> => {
  await vi.advanceTimersByTimeAsync(milliseconds);
  await new Promise(setImmediate);
};

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await pass(20);
};

interface Options {
  readonly camera?: HandCamera;
  readonly parts?: Partial<SessionParts>;
  readonly configured?: number;
}

async function goLive({ camera, parts, configured }: Options = {}) {
  const source = createHandSource();
  const output = createListOutput("one");
  let deliveredBytes = 0; // on a line that carries everything
  output.uplink = () => ({
    ...{ connection: output.runs, waitingBytes: 0, roundTripMs: 20 },
    deliveredBytes: (deliveredBytes += 100_000),
  });
  const events: StatusEvent[] = [];
  const supervisor = createSupervisor({
    createLine: () => ({
      sourceName: source.name,
      outputNames: ["one"],
      build: () => ({
        ...{ source, outputs: [output], queue: { bytes: 1e6, milliseconds: 3000 } },
        ...{ destinations: { one: "twitch" as const }, hasAudio: true, holdMs: 20_000 },
        ...parts,
      }),
      ...(camera && { camera }),
      encoder: { restoreOnExit: true, congestionControlAfter: true, stateDirectory: "/dev/null" },
      rate: { floor: 400_000, configured },
      idrSeconds: 2,
    }),
    initial: {
      desired: "live",
      locked: false,
      settings: { destinations: ["one"], bitrateCap: null, audio: "silent" },
    },
    report: (event) => events.push(event),
    remember: async () => {},
    prepare: async () => {},
  });
  const stop = new AbortController();
  const running = supervisor.run(stop.signal);
  let count = 0;
  let next = 0;
  const line = {
    ...{ source, output, events, supervisor },
    phase: () => supervisor.status().phase,
    phases: (): Phase[] => events.flatMap((event) => (event.type === "phase" ? [event.phase] : [])),
    set: async (change: LineChange) =>
      supervisor.submit({ id: `set-${(next += 1)}`, command: { kind: "set", change }, origin: "cli" }),
    /** Pictures at 30 a second, with an IDR where `hasIdr`. */
    play: async (seconds: number, hasIdr = true): Promise<void> => {
      for (let i = 0; i < seconds * 30; i += 1) {
        const unit = stream[hasIdr ? count % 60 : 1];
        count += 1;
        if (unit !== undefined) source.emit({ ...unit, ptsUs: nowUs(), dtsUs: nowUs(), receivedUs: nowUs() });
        await pass(1000 / 30);
      }
    },
    fromIdr: (): void => void (count = 0),
    async [Symbol.asyncDispose]() {
      stop.abort();
      let ended = false;
      void running.then(() => (ended = true));
      await until(() => ended);
    },
  };
  await until(() => source.runs === 1);
  return line;
}

describe("a session whose camera goes away", () => {
  it("holds its picture, says so, and is live again with the camera's IDR, in the same broadcast", async () => {
    await using line = await goLive();
    await line.play(2);
    expect(line.phase()).toBe("live");
    await pass(3000);
    expect(line.supervisor.status()).toMatchObject({
      phase: "holding",
      reason: "The camera is away; its last picture goes on.",
    });
    const held = line.output.units.length;
    expect(held).toBeGreaterThan(140);
    await line.play(0.2, false);
    expect(line.phase()).toBe("holding");
    expect(line.source.keyframeRequests).toBeGreaterThan(0);
    line.fromIdr();
    await line.play(1);
    expect(line.phase()).toBe("live");
    expect(line.output.runs).toBe(1);
    const times = line.output.units.map(({ ptsUs }) => ptsUs);
    expect(times.every((us, i) => us > (times[i - 1] ?? Number.NEGATIVE_INFINITY))).toBe(true);
    expect([...new Set(line.phases())]).toEqual(["starting", "live", "holding"]);
  });

  it("says while it holds what is wrong with the camera", async () => {
    await using line = await goLive();
    await line.play(1);
    line.source.fail(new Fault("connection-lost", "The cable is out."));
    await pass(700);
    await until(() => line.phase() === "holding");
    expect(line.supervisor.status().reason).toBe(
      "The camera is away; its last picture goes on. The cable is out.",
    );
  });

  it("ends the broadcast after the longest time, and begins another when the camera is back", async () => {
    await using line = await goLive();
    await line.play(1);
    await pass(22_000);
    expect(line.phase()).toBe("retrying");
    const before = line.output.units.length;
    await pass(10_000);
    expect(line.output.units).toHaveLength(before);
    line.fromIdr();
    await line.play(1);
    expect(line.phase()).toBe("live");
    expect(line.output.runs).toBe(2);
    expect(line.output.units[before]).toMatchObject({ keyframe: true });
  });

  it("is retrying at once where nothing is to be held", async () => {
    await using line = await goLive({ parts: { holdMs: 0 } });
    await line.play(1);
    line.source.fail(new Fault("connection-lost", "The cable is out."));
    await until(() => line.phase() !== "live");
    expect(line.phase()).toBe("retrying");
  });
});

describe("a session's status", () => {
  it("has verdict, rate and path while it runs, and none of them afterwards", async () => {
    await using line = await goLive({ camera: createHandCamera() });
    await line.play(6);
    await until(() => line.supervisor.status().rate !== undefined);
    expect(line.supervisor.status()).toMatchObject({
      path: "copy",
      picture: { width: 160, height: 96 },
      verdict: { kind: "copy", destination: "Twitch" },
      rate: { target: 5_400_000, ceiling: 5_400_000 },
    });
    void line.supervisor.submit({ id: "stop", command: { kind: "stop" }, origin: "cli" });
    await until(() => line.phase() === "idle");
    expect(line.supervisor.status()).not.toHaveProperty("verdict");
    expect(line.supervisor.status()).not.toHaveProperty("rate");
  });

  it("has no rate where nothing can be asked", async () => {
    await using line = await goLive();
    await line.play(4);
    expect(line.supervisor.status()).not.toHaveProperty("rate");
    expect(line.supervisor.status().verdict?.kind).toBe("copy");
  });

  it("says that the picture is encoded anew, by what rules, and with which rate", async () => {
    const { create, made } = createHandTranscoders();
    await using line = await goLive({ parts: { createTranscoder: create } });
    await line.play(1);
    await line.play(14, false);
    expect(line.supervisor.status().verdict?.kind).toBe("transcode");
    const [encoder] = made;
    const last = encoder?.pushed.at(-1);
    const idr = stream[0];
    if (last === undefined || idr === undefined) throw new Error("The encoder was given nothing.");
    expect(encoder?.request.target).toMatchObject({ idrSeconds: 2 });
    // The first ones are passed over: they are late, or damaged.
    for (let n = 0; n < 3; n += 1)
      encoder?.request.emit({ ...last, nalus: idr.nalus, avcc: idr.avcc, keyframe: true });
    expect(line.supervisor.status().path).toBe("transcode");
    await pass(500);
    expect(line.supervisor.status().rate).toBeDefined();
    const health = { level: "warning", strain: 2, items: [] } as const;
    line.supervisor.report({ type: "health", health, changed: [] });
    expect(made.at(-1)?.request.strain).toBe(2);
    expect(line.supervisor.status().health).toEqual(health);
  });
});

describe("a session's bit rate", () => {
  it("is what somebody has capped it at, also when the camera begins anew, and the camera's own again after that", async () => {
    const camera = createHandCamera();
    await using line = await goLive({ camera });
    await line.play(1);
    await until(() => camera.stream.targetBitrate !== 8_000_000);
    expect(camera.stream.targetBitrate).toBe(5_400_000);
    expect(await line.set({ bitrateCap: 3_000_000 })).toMatchObject({ ok: true });
    await line.play(1);
    expect(camera.stream.targetBitrate).toBe(3_000_000);
    camera.stream = { targetBitrate: 8_000_000, idrInterval: 90 }; // it has booted
    line.source.fail(new Fault("connection-lost", "The robot is away."));
    await until(() => line.source.runs === 2);
    line.fromIdr();
    await line.play(1);
    await until(() => camera.stream.targetBitrate !== 8_000_000);
    expect(camera.stream.targetBitrate).toBe(3_000_000);
    expect(line.supervisor.status().settings.bitrateCap).toBe(3_000_000);
    await line.set({ bitrateCap: null });
    await line.play(1);
    expect(camera.stream.targetBitrate).toBe(5_400_000);
  });

  it("is not raised by a cap above what the destination takes", async () => {
    const camera = createHandCamera();
    await using line = await goLive({ camera, configured: 20_000_000 });
    await line.set({ bitrateCap: 30_000_000 });
    await line.play(1);
    await until(() => camera.stream.targetBitrate !== 8_000_000);
    expect(camera.stream.targetBitrate).toBe(5_400_000);
  });

  it("is given back with everything else of the camera's own at the end", async () => {
    const camera = createHandCamera();
    {
      await using line = await goLive({ camera });
      await line.play(1);
      await until(() => camera.stream.targetBitrate === 5_400_000);
      expect(camera.stream).toEqual({ targetBitrate: 5_400_000, idrInterval: 60 });
      expect(camera.congestionControl).toBe(false);
    }
    expect(camera.stream).toEqual({ targetBitrate: 8_000_000, idrInterval: 90 });
    expect(camera.congestionControl).toBe(true);
  });

  it("is left alone, and the stream goes on, where the camera refuses", async () => {
    const camera = createHandCamera();
    camera.fault = new Fault("permission-denied", "You may not.");
    await using line = await goLive({ camera });
    await until(() => camera.calls.length > 0);
    await line.play(6);
    expect(line.phase()).toBe("live");
    expect(camera.calls).toEqual(["read"]);
    expect(line.supervisor.status()).not.toHaveProperty("rate");
  });
});

describe("a session that is looked on at", () => {
  it("shows the camera's own pictures as they come, not those of the hold, and says when it is over", async () => {
    const shown: VideoUnit[] = [];
    const cameras: { requestKeyframe(): void }[] = [];
    let over = 0;
    const onlooker = {
      ...{ isWanted: false, onWish: () => {} },
      attend(camera: { requestKeyframe(): void }) {
        cameras.push(camera);
        return { show: (unit: VideoUnit) => void shown.push(unit), [Symbol.dispose]: () => void (over += 1) };
      },
    };
    {
      await using line = await goLive({ parts: { onlooker } });
      await line.play(1);
      expect(shown.length).toBe(30);
      await pass(3000);
      expect(line.phase()).toBe("holding");
      expect(shown.length).toBe(30);
      expect(line.supervisor.status().outputs.map(({ name }) => name)).toEqual(["one"]);
      const before = line.source.keyframeRequests;
      cameras[0]?.requestKeyframe();
      expect(line.source.keyframeRequests).toBe(before + 1);
      expect(over).toBe(0);
    }
    expect([cameras.length, over]).toEqual([1, 1]);
  });
});
