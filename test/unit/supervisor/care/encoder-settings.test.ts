import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Fault } from "../../../../src/domain/fault.ts";
import type { StatusEvent } from "../../../../src/domain/status.ts";
import { EncoderSettings, parseSettings } from "../../../../src/supervisor/care/encoder-settings.ts";
import type { EncoderOptions } from "../../../../src/supervisor/care/encoder-settings.ts";
import { eventually } from "../../../helpers/eventually.ts";
import { createHandCamera } from "../../../helpers/parts.ts";
import type { HandCamera } from "../../../helpers/parts.ts";

let directory = "";

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "spotlive-encoder-"));
});

afterEach(async () => {
  vi.useRealTimers();
  await rm(directory, { recursive: true, force: true });
});

function setUp(options: Partial<EncoderOptions> = {}, camera: HandCamera | undefined = createHandCamera()) {
  const notices: string[] = [];
  const report = (event: StatusEvent): void => void (event.type === "notice" && notices.push(event.text));
  const all = { restoreOnExit: true, congestionControlAfter: true, stateDirectory: directory, ...options };
  return { camera, notices, encoder: new EncoderSettings(camera, all, report) };
}

const kept = (): Promise<string> => readFile(join(directory, "camera-settings.json"), "utf8");
const own = { targetBitrate: 8_000_000, idrInterval: 90 };
const unreachable = new Fault("robot-unreachable", "The robot does not answer.");

describe("the encoder's settings", () => {
  it("are read and kept on the disk before anything is set", async () => {
    const { camera, encoder } = setUp();
    const file = vi.fn(async () => JSON.parse(await kept()));
    camera.setCongestionControl = async () => expect(await file()).toEqual(own);
    encoder.want({ targetBitrate: 3e6 });
    await encoder.takeOver();
    expect(file).toHaveBeenCalledOnce();
    expect(camera.calls).toEqual(["read", 'set {"targetBitrate":3000000}']);
    expect(encoder.found).toEqual(own);
  });

  it("are steered by nobody else while they are ours", async () => {
    const { camera, encoder } = setUp();
    await encoder.takeOver();
    expect(camera.congestionControl).toBe(false);
  });

  it.each([true, false])(
    "are put back at the end, congestion control %s again, and the file removed",
    async (on) => {
      const { camera, encoder } = setUp({ congestionControlAfter: on });
      encoder.want({ targetBitrate: 3e6, idrInterval: 60 });
      await encoder.takeOver();
      await encoder.release();
      expect(camera.stream).toEqual(own);
      expect(camera.congestionControl).toBe(on);
      expect(await readdir(directory)).toEqual([]);
    },
  );

  it("are put back to what they were before a power cut, not to what we had made of them", async () => {
    const { camera, encoder } = setUp();
    encoder.want({ targetBitrate: 1e6 });
    await encoder.takeOver();
    const { encoder: second } = setUp({}, camera);
    await second.takeOver();
    expect(second.found).toEqual(own);
    expect(JSON.parse(await kept())).toEqual(own);
    await second.release();
    expect(camera.stream).toEqual(own);
    expect(await readdir(directory)).toEqual([]);
  });

  it("are read anew where the file cannot be read as settings", async () => {
    await writeFile(join(directory, "camera-settings.json"), '{"targetBitrate":');
    const { encoder } = setUp();
    await encoder.takeOver();
    expect(encoder.found).toEqual(own);
    expect(JSON.parse(await kept())).toEqual(own);
  });

  it("are set all the same where nothing can be written, which is told", async () => {
    const { camera, encoder, notices } = setUp({ stateDirectory: "/dev/null" });
    encoder.want({ targetBitrate: 3e6 });
    await encoder.takeOver();
    expect(camera.streamSettings).toEqual([{ targetBitrate: 3e6 }]);
    expect(notices).toEqual([expect.stringContaining("cannot be kept in /dev/null/camera-settings.json")]);
    await encoder.release();
    expect(camera.stream).toEqual(own);
  });

  it("are neither kept nor put back where that is not wanted", async () => {
    const { camera, encoder } = setUp({ restoreOnExit: false });
    encoder.want({ targetBitrate: 3e6 });
    await encoder.takeOver();
    const before = [...camera.calls];
    await encoder.release();
    expect(camera.calls).toEqual(before);
    expect(await readdir(directory)).toEqual([]);
  });

  it("are asked for once, and not at all where the camera has them", async () => {
    const { camera, encoder } = setUp();
    await encoder.takeOver();
    for (let i = 0; i < 5; i += 1) encoder.want({ idrInterval: 90, targetBitrate: 4e6 });
    await eventually(() => camera.stream.targetBitrate === 4e6);
    encoder.want({ targetBitrate: 4e6 });
    expect(camera.streamSettings).toEqual([{ targetBitrate: 4e6 }]);
  });

  it("go to the newest wish when several come while a call is on its way", async () => {
    const { camera, encoder } = setUp();
    await encoder.takeOver();
    const letGo = camera.holdStream();
    encoder.want({ targetBitrate: 4e6 });
    await eventually(() => camera.calls.at(-1) === 'set {"targetBitrate":4000000}');
    for (const targetBitrate of [3e6, 2e6, 1e6]) encoder.want({ targetBitrate });
    letGo();
    await eventually(() => camera.stream.targetBitrate === 1e6);
    expect(camera.streamSettings).toEqual([{ targetBitrate: 4e6 }, { targetBitrate: 1e6 }]);
  });

  it("are all asked for again when the camera was away, even if a call was on its way then", async () => {
    const { camera, encoder } = setUp();
    encoder.want({ idrInterval: 60 });
    await encoder.takeOver();
    const letGo = camera.holdStream();
    encoder.want({ targetBitrate: 4e6 });
    await eventually(() => camera.calls.at(-1) === 'set {"targetBitrate":4000000}');
    const again = encoder.takeOver();
    letGo();
    await again;
    expect(camera.calls.slice(-2)).toEqual([
      "congestion off",
      'set {"idrInterval":60,"targetBitrate":4000000}',
    ]);
    expect(encoder.found).toEqual(own);
  });

  it("are never set before they could be read, however often the camera fails", async () => {
    vi.useFakeTimers();
    const { camera, encoder } = setUp();
    camera.fault = unreachable;
    encoder.want({ targetBitrate: 3e6 });
    await encoder.takeOver();
    camera.fault = undefined;
    vi.advanceTimersByTime(2500);
    encoder.want({ targetBitrate: 2e6 });
    vi.useRealTimers();
    await eventually(() => camera.streamSettings.length > 0);
    expect(camera.calls.slice(0, 3)).toEqual(["read", "read", "congestion off"]);
    expect(encoder.found).toEqual(own);
  });

  it("are asked of a camera that failed not before two seconds have passed, and then by themselves", async () => {
    vi.useFakeTimers();
    const { camera, encoder } = setUp();
    camera.fault = unreachable;
    encoder.want({ targetBitrate: 3e6 });
    await encoder.takeOver();
    await vi.advanceTimersByTimeAsync(1900);
    encoder.want({ targetBitrate: 2e6 });
    expect(camera.calls).toEqual(["read"]);
    camera.fault = undefined;
    await vi.advanceTimersByTimeAsync(200);
    vi.useRealTimers();
    await eventually(() => camera.stream.targetBitrate === 2e6);
    await encoder.release();
  });

  it.each(["permission-denied", "not-supported"] as const)(
    "are only watched once the camera has answered %s, which is told once",
    async (code) => {
      const { camera, encoder, notices } = setUp();
      camera.fault = new Fault(code, "You may not.");
      await encoder.takeOver();
      expect(encoder.isControllable).toBe(false);
      encoder.want({ targetBitrate: 3e6 });
      await encoder.takeOver();
      await encoder.release();
      expect(camera.calls).toEqual(["read"]);
      expect(notices).toEqual(["You may not. The stream goes on with the camera's own settings."]);
    },
  );

  it("are told where they change how the picture can be joined, and not for each bit rate", async () => {
    const { encoder, notices } = setUp();
    encoder.want({ targetBitrate: 3e6 });
    await encoder.takeOver();
    encoder.want({ idrInterval: 60, refreshInterval: 60 });
    await eventually(() => notices.length > 0);
    expect(notices).toEqual([
      "The camera was asked for an IDR picture every 60 frames and a refreshed picture every 60 frames.",
    ]);
  });

  it("that cannot be put back are told, and stay on the disk for the next time", async () => {
    const { camera, encoder, notices } = setUp();
    await encoder.takeOver();
    camera.fault = unreachable;
    await encoder.release();
    expect(notices).toEqual(["The camera's own settings could not be put back: The robot does not answer."]);
    expect(JSON.parse(await kept())).toEqual(own);
  });

  it("are put back at once although a call hangs", async () => {
    const { camera, encoder } = setUp();
    await encoder.takeOver();
    const letGo = camera.holdStream();
    encoder.want({ targetBitrate: 1e6 });
    await eventually(() => camera.calls.at(-1) === 'set {"targetBitrate":1000000}');
    const released = encoder.release();
    await eventually(() => camera.calls.at(-1)?.startsWith('set {"targetBitrate":8') === true);
    letGo();
    await released;
    expect(camera.stream).toEqual(own);
  });

  it("stay ours, and are not forgotten, when the next session begins while they are being given back", async () => {
    const { camera, encoder } = setUp();
    encoder.want({ targetBitrate: 1e6 });
    await encoder.takeOver();
    const letGo = camera.holdStream();
    const released = encoder.release();
    encoder.want({ targetBitrate: 2e6 });
    const taken = encoder.takeOver();
    letGo();
    await Promise.all([released, taken]);
    expect(camera.stream.targetBitrate).toBe(2e6);
    expect(encoder.found).toEqual(own);
    await encoder.release();
    expect(camera.stream).toEqual(own);
  });

  it("are nothing to ask for where there is no camera to control", async () => {
    const encoder = new EncoderSettings(
      undefined,
      { restoreOnExit: true, congestionControlAfter: true, stateDirectory: directory },
      () => {},
    );
    encoder.want({ targetBitrate: 3e6 });
    await encoder.takeOver();
    await encoder.release();
    expect(encoder.isControllable).toBe(false);
  });
});

describe("parseSettings", () => {
  it("reads back what was written, and leaves out what is none of it", () => {
    expect(parseSettings(JSON.stringify({ ...own, refreshInterval: 0, other: 1 }))).toEqual({
      ...own,
      refreshInterval: 0,
    });
    expect(parseSettings('{"targetBitrate":"8","idrInterval":-1,"refreshInterval":1e999}')).toBeUndefined();
  });

  it("gives settings or nothing for whatever text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const settings = parseSettings(text);
        for (const value of Object.values(settings ?? {})) expect(value).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
