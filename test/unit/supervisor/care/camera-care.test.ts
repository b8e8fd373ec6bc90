import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { StreamSettings } from "../../../../src/domain/camera.ts";
import type { DestinationKind } from "../../../../src/domain/destination.ts";
import type { StatusEvent } from "../../../../src/domain/status.ts";
import type { TranscodeTarget } from "../../../../src/domain/verdict.ts";
import { nowUs } from "../../../../src/lib/clock.ts";
import { strictest } from "../../../../src/media/destination-rules.ts";
import { CameraCare } from "../../../../src/supervisor/care/camera-care.ts";
import { createHandSource } from "../../../helpers/parts.ts";
import { videoUnit } from "../../../helpers/units.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

interface Stream {
  readonly fps?: number;
  /** Pictures from one IDR to the next; 0: none at all. */
  readonly gop?: number;
  readonly bytes?: number;
}

function setUp({ canAsk = true, idrSeconds = 2 } = {}) {
  const source = createHandSource();
  const wanted: StreamSettings[] = [];
  const targets: (TranscodeTarget | undefined)[] = [];
  const events: StatusEvent[] = [];
  let seconds = idrSeconds;
  let destination: DestinationKind = "twitch";
  const care = new CameraCare({
    source,
    encoder: { isControllable: canAsk, want: (settings) => wanted.push(settings) },
    rules: () => strictest([destination]),
    idrSeconds: () => seconds,
    audio: true,
    canTranscode: true,
    setTranscode: (target) => targets.push(target),
    report: (event) => events.push(event),
  });
  let count = 0;
  return {
    ...{ care, source, wanted, targets },
    setIdrSeconds: (next: number): void => void (seconds = next),
    setDestination: (next: DestinationKind): void => void (destination = next),
    /** `at`: how many pictures of the first GOP came before. */
    begin: (at = 0): void => {
      count = at;
      care.begin();
    },
    play: (forSeconds: number, { fps = 30, gop = 60, bytes = 5000 }: Stream = {}): void => {
      for (let i = 0; i < forSeconds * fps; i += 1) {
        care.add(videoUnit(nowUs() / 1000, gop > 0 && count % gop === 0, bytes));
        count += 1;
        vi.advanceTimersByTime(1000 / fps);
      }
    },
    notices: () => events.flatMap((event) => (event.type === "notice" ? [event.text] : [])),
    verdicts: () => events.flatMap((event) => (event.type === "verdict" ? [event.verdict.kind] : [])),
    isEncoded: () => targets.at(-1) !== undefined,
    [Symbol.dispose]: () => care[Symbol.dispose](),
  };
}

const noIdr: Stream = { gop: 0 };

describe("the care of the camera", () => {
  it("asks for the IDR interval before the camera is there, and again by its real frame rate", () => {
    using line = setUp();
    expect(line.wanted).toEqual([{ idrInterval: 60 }]);
    line.begin();
    line.play(5, { fps: 15, gop: 30 });
    expect(line.wanted.slice(1)).toEqual([{ idrInterval: 30 }]);
  });

  it("leaves a fitting camera alone, and tells its verdict once", () => {
    using line = setUp();
    line.begin();
    line.play(30);
    expect(line.wanted).toEqual([{ idrInterval: 60 }]);
    expect(line.verdicts()).toEqual(["copy"]);
    expect(line.notices()).toEqual([]);
    expect(line.source.keyframeRequests).toBe(0);
    expect(line.isEncoded()).toBe(false);
  });

  it.each([0, 15, 30, 45, 60, 75])(
    "never takes a camera that gives them too seldom for a fitting one, from picture %i of its GOP on",
    (at) => {
      using line = setUp({ canAsk: false });
      line.begin(at);
      line.play(40, { gop: 90 });
      expect(line.verdicts()).toEqual(["transcode"]);
      expect(line.isEncoded()).toBe(true);
    },
  );

  it("asks a camera without IDR pictures for them again and again, and has it encoded when that does not help", () => {
    using line = setUp();
    line.begin();
    line.play(8, noIdr);
    expect(line.wanted).toContainEqual({ idrInterval: 60, refreshInterval: 60 });
    expect(line.isEncoded()).toBe(false);
    line.play(5, noIdr);
    expect(line.source.keyframeRequests).toBeGreaterThan(1);
    expect(line.isEncoded()).toBe(true);
    expect(line.notices()).toHaveLength(2);
  });

  it("insists on IDR pictures also where nothing can be set", () => {
    using line = setUp({ canAsk: false });
    line.begin();
    line.play(6, noIdr);
    expect(line.source.keyframeRequests).toBeGreaterThan(0);
    expect(line.isEncoded()).toBe(false);
    line.play(15);
    expect(line.isEncoded()).toBe(false);
    expect(line.notices().at(-1)).toBe("The camera's stream fits now, and is passed on as it is.");
  });

  it("asks a camera that sends too much for less, and encodes nothing when it obeys", () => {
    using line = setUp();
    line.begin();
    line.play(7, { bytes: 40_000 });
    expect(line.wanted).toContainEqual({ targetBitrate: 5_400_000 });
    line.play(20, { bytes: 20_000 });
    expect(line.isEncoded()).toBe(false);
    expect(line.verdicts()).toEqual(["ask-camera", "copy"]);
  });

  it("takes a second chance only while pictures come: a camera that is away is not judged", () => {
    using line = setUp();
    line.begin();
    line.play(8, noIdr);
    const before = [line.notices().length, line.wanted.length];
    vi.advanceTimersByTime(60_000);
    expect(line.isEncoded()).toBe(false);
    expect([line.notices().length, line.wanted.length]).toEqual(before);
    line.care.pause();
    line.begin();
    line.play(4, noIdr);
    expect(line.isEncoded()).toBe(false);
  });

  it("goes back to copying when the camera has fitted for long enough", () => {
    using line = setUp();
    line.begin();
    line.play(13, noIdr);
    expect(line.isEncoded()).toBe(true);
    line.play(15);
    expect(line.isEncoded()).toBe(true);
    line.play(15);
    expect(line.isEncoded()).toBe(false);
  });

  it("encodes for another destination's rules when that is chosen meanwhile", () => {
    using line = setUp();
    line.begin();
    line.play(20, { ...noIdr, bytes: 40_000 });
    expect(line.targets.at(-1)?.bitsPerSecond).toBe(5_400_000);
    line.setDestination("youtube");
    line.play(2, { ...noIdr, bytes: 40_000 });
    expect(line.targets.at(-1)?.bitsPerSecond).toBeGreaterThan(9_000_000);
    const changes = line.targets.length;
    line.play(5, { ...noIdr, bytes: 40_000 });
    expect(line.targets).toHaveLength(changes);
  });

  it("asks for another IDR interval that somebody has set", () => {
    using line = setUp();
    line.begin();
    line.play(5);
    line.setIdrSeconds(1);
    line.play(2);
    expect(line.wanted.at(-1)).toEqual({ idrInterval: 30 });
  });

  it("never asks for IDR pictures further apart than somebody has set", () => {
    using line = setUp({ idrSeconds: 1 });
    line.begin();
    line.play(8, noIdr);
    expect(line.wanted.at(-1)).toMatchObject({ idrInterval: 30 });
  });

  it("asks for them as often as the destination needs them, whatever was set", () => {
    using line = setUp({ idrSeconds: 8 });
    line.begin();
    line.play(8, { gop: 240 });
    expect(line.wanted.at(-1)).toMatchObject({ idrInterval: 60 });
    line.play(14, { gop: 30, fps: 15 });
    expect(line.wanted.at(-1)).toMatchObject({ idrInterval: 30 });
  });

  it("does nothing more when its session is over", () => {
    const line = setUp();
    line.begin();
    line.play(8, noIdr);
    line[Symbol.dispose]();
    const requests = line.source.keyframeRequests;
    vi.advanceTimersByTime(60_000);
    expect(line.source.keyframeRequests).toBe(requests);
    expect(vi.getTimerCount()).toBe(0);
  });
});
