import { describe, expect, it, vi } from "vitest";
import { lazyControl, lazySource } from "../../../src/camera/lazy.ts";
import type { CameraControl } from "../../../src/domain/camera.ts";
import type { Source } from "../../../src/domain/media.ts";

const { signal } = new AbortController();
const noUnits = (): void => {};

function handSource() {
  return {
    name: "hand",
    run: vi.fn<Source["run"]>(async () => {}),
    requestKeyframe: vi.fn(),
    awaitLink: vi.fn(async () => {}),
  };
}

describe("a source whose code is loaded late", () => {
  it("is loaded when it first runs, and only then", async () => {
    const source = handSource();
    const load = vi.fn(async () => source);
    const lazy = lazySource("spot", load);
    expect(lazy.name).toBe("spot");
    lazy.requestKeyframe();
    expect(load).not.toHaveBeenCalled();
    await lazy.run(noUnits, signal);
    await lazy.run(noUnits, signal);
    expect(load).toHaveBeenCalledOnce();
    expect(source.run.mock.calls).toEqual([
      [noUnits, signal],
      [noUnits, signal],
    ]);
    expect(source.requestKeyframe).not.toHaveBeenCalled();
    lazy.requestKeyframe();
    expect(source.requestKeyframe).toHaveBeenCalledOnce();
  });

  it("is the same one for whoever waits for the way to it", async () => {
    const source = handSource();
    const load = vi.fn(async () => source);
    const lazy = lazySource("spot", load);
    await Promise.all([lazy.awaitLink?.(signal), lazy.run(noUnits, signal)]);
    expect(load).toHaveBeenCalledOnce();
    expect(source.awaitLink).toHaveBeenCalledExactlyOnceWith(signal);
  });

  it("ends with its own fault, or that of its loading", async () => {
    const source = handSource();
    source.run.mockRejectedValue(new Error("no picture"));
    await expect(lazySource("spot", async () => source).run(noUnits, signal)).rejects.toThrow("no picture");
    const missing = lazySource("spot", () => Promise.reject(new Error("no such file")));
    await expect(missing.run(noUnits, signal)).rejects.toThrow("no such file");
  });
});

describe("a hand on a camera whose code is loaded late", () => {
  it("can nothing until something was asked, and then what the camera can", async () => {
    const state = { can: ["ptz"], presets: [] } as const;
    const control: CameraControl = {
      can: new Set(["ptz"]),
      read: async () => state,
      readStream: async () => ({ targetBitrate: 1 }),
      setStream: async (settings) => settings,
      setCongestionControl: vi.fn(async () => {}),
      act: async ({ kind }) => ({ ...state, screen: kind }),
    };
    const load = vi.fn(async () => control);
    const lazy = lazyControl(load);
    expect([...lazy.can]).toEqual([]);
    expect(load).not.toHaveBeenCalled();
    expect(await lazy.read(signal)).toBe(state);
    expect([...lazy.can]).toEqual(["ptz"]);
    expect(await lazy.readStream(signal)).toEqual({ targetBitrate: 1 });
    expect(await lazy.setStream({ idrInterval: 2 }, signal)).toEqual({ idrInterval: 2 });
    await lazy.setCongestionControl(false, signal);
    expect(control.setCongestionControl).toHaveBeenCalledExactlyOnceWith(false, signal);
    expect(await lazy.act({ kind: "screen", name: "mech" }, signal)).toMatchObject({ screen: "screen" });
  });
});
