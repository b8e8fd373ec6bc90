import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { PreviewMessage, PreviewViewer, WatchedCamera } from "../../../../src/domain/preview.ts";
import { createPreview } from "../../../../src/outputs/preview/preview.ts";
import { videoUnit } from "../../../helpers/units.ts";

/** A viewer that keeps what it is sent. */
interface HandViewer extends PreviewViewer {
  readonly messages: PreviewMessage[];
  /** RTP timestamps of the frames, in milliseconds. */
  readonly frames: number[];
  readonly closes: number[];
  waitingBytes: number;
}

function createViewer(): HandViewer {
  const viewer: HandViewer = {
    peerAddress: "192.0.2.7",
    localAddress: "192.0.2.1",
    isProxied: false,
    messages: [],
    frames: [],
    closes: [],
    waitingBytes: 0,
    send: (message) => void viewer.messages.push(message),
    sendFrame: (frame) => void viewer.frames.push(Buffer.from(frame).readUInt32BE(4) / 90),
    close: (code) => void viewer.closes.push(code),
  };
  return viewer;
}

interface HandWatched extends WatchedCamera {
  asked: number;
}

function createWatched(): HandWatched {
  const camera: HandWatched = { asked: 0, requestKeyframe: () => void (camera.asked += 1) };
  return camera;
}

const watch = { type: "watch", latency: "live", transport: "websocket" } as const;
const statesOf = ({ messages }: HandViewer): string[] =>
  messages.flatMap((message) => (message.type === "source" ? [message.state] : []));

describe("the preview", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("gives a viewer who comes late everything since the last keyframe, then what follows", () => {
    const preview = createPreview({ maxViewers: 4 });
    const attendance = preview.attend(createWatched());
    for (const ms of [1000, 1100, 1200, 1300]) attendance.show(videoUnit(ms, ms === 1100));
    const viewer = createViewer();
    preview.join(viewer)?.receive(watch);
    attendance.show(videoUnit(1400));
    expect(viewer.frames).toEqual([1100, 1200, 1300, 1400]);
    expect(viewer.messages).toContainEqual(
      expect.objectContaining({ type: "format", codec: expect.stringMatching(/^avc1\.[0-9a-f]{6}$/) }),
    );
  });

  it("asks the camera for a keyframe where there is none to begin with, once a second at most", () => {
    const preview = createPreview({ maxViewers: 4 });
    const camera = createWatched();
    preview.attend(camera);
    for (let i = 0; i < 3; i += 1) preview.join(createViewer())?.receive(watch);
    expect(camera.asked).toBe(1);
    vi.advanceTimersByTime(1001);
    preview.join(createViewer())?.receive(watch);
    expect(camera.asked).toBe(2);
  });

  it("does not replay a GOP that began long ago", () => {
    const preview = createPreview({ maxViewers: 4 });
    const camera = createWatched();
    const attendance = preview.attend(camera);
    for (const ms of [1000, 3000, 5500]) attendance.show(videoUnit(ms, ms === 1000));
    const viewer = createViewer();
    preview.join(viewer)?.receive(watch);
    expect(viewer.frames).toEqual([]);
    expect(camera.asked).toBe(1);
  });

  it("leaves out pictures for a slow viewer until the next keyframe, counts them, and harms nobody else", () => {
    const preview = createPreview({ maxViewers: 4 });
    const camera = createWatched();
    const attendance = preview.attend(camera);
    const [slow, quick] = [createViewer(), createViewer()];
    for (const viewer of [slow, quick]) preview.join(viewer)?.receive(watch);
    attendance.show(videoUnit(1000, true));
    slow.waitingBytes = 5 * 1024 * 1024;
    attendance.show(videoUnit(1100));
    slow.waitingBytes = 0;
    attendance.show(videoUnit(1200));
    attendance.show(videoUnit(1300, true));
    expect(slow.frames).toEqual([1000, 1300]);
    expect(quick.frames).toEqual([1000, 1100, 1200, 1300]);
    expect(preview.counters.droppedPictures).toBe(2);
    expect(camera.asked).toBe(1); // for the beginning alone
  });

  it("refuses more viewers than it may have, in words, until one has left", () => {
    const preview = createPreview({ maxViewers: 1 });
    const seat = preview.join(createViewer());
    const second = createViewer();
    expect(preview.join(second)).toBeUndefined();
    expect(second.messages).toMatchObject([{ type: "refused", code: "too-many-viewers" }]);
    expect(second.closes).toEqual([4000]);
    seat?.[Symbol.dispose]();
    seat?.[Symbol.dispose]();
    expect(preview.counters.viewers).toBe(0);
    expect(preview.join(createViewer())).toBeDefined();
  });

  it("tells whether pictures come: stopped, away, running, away, stopped", () => {
    const preview = createPreview({ maxViewers: 4 });
    const viewer = createViewer();
    preview.join(viewer);
    const attendance = preview.attend(createWatched());
    attendance.show(videoUnit(1000, true));
    vi.advanceTimersByTime(1600);
    attendance[Symbol.dispose]();
    expect(statesOf(viewer)).toEqual(["idle", "away", "running", "away", "idle"]);
  });

  it("forgets the pictures of a session that is over", () => {
    const preview = createPreview({ maxViewers: 4 });
    const first = preview.attend(createWatched());
    first.show(videoUnit(1000, true));
    first[Symbol.dispose]();
    preview.attend(createWatched());
    first.show(videoUnit(1100, true));
    const viewer = createViewer();
    preview.join(viewer)?.receive(watch);
    expect(viewer.frames).toEqual([]);
  });

  it("wants pictures while somebody looks and for a moment longer, and says when that changes", () => {
    const preview = createPreview({ maxViewers: 4 });
    const wishes: boolean[] = [];
    preview.onWish(() => wishes.push(preview.isWanted));
    expect(preview.isWanted).toBe(false);
    const first = preview.join(createViewer());
    first?.[Symbol.dispose]();
    vi.advanceTimersByTime(4000);
    const second = preview.join(createViewer());
    vi.advanceTimersByTime(4000);
    expect(preview.isWanted).toBe(true);
    second?.[Symbol.dispose]();
    vi.advanceTimersByTime(5001);
    expect(wishes).toEqual([true, true, false]);
  });

  it("has no timer while nobody looks", () => {
    const preview = createPreview({ maxViewers: 4 });
    preview.attend(createWatched()).show(videoUnit(1000, true));
    const seat = preview.join(createViewer());
    expect(vi.getTimerCount()).toBe(1);
    seat?.[Symbol.dispose]();
    vi.advanceTimersByTime(5001);
    expect(vi.getTimerCount()).toBe(0);
  });
});
