import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SrtpSender } from "../../../../src/media/srtp-sender.ts";
import type { Stage } from "../../../../src/outputs/preview/delivery.ts";
import { Picture } from "../../../../src/outputs/preview/picture.ts";
import { RtpDelivery } from "../../../../src/outputs/preview/rtp-delivery.ts";
import { videoUnit } from "../../../helpers/units.ts";

const picture = (ms: number, keyframe = false, size = 100): Picture =>
  new Picture(videoUnit(ms, keyframe, size), ms * 90);

interface Line {
  readonly delivery: RtpDelivery;
  /** What was sent: each packet's number and its time in milliseconds. */
  readonly sent: { readonly sequence: number; readonly ms: number }[];
  readonly extensions: string[];
  readonly stage: { recent: Picture[]; asked: number; repeated: number };
}

let line: Line | undefined;

function start(recent: Picture[] = []): Line {
  const keys = { encryption: randomBytes(16), salt: randomBytes(14), authentication: randomBytes(20) };
  const sender = new SrtpSender(keys, { ssrc: 1, payloadType: 102, firstSequence: 0 });
  const state = { recent, asked: 0, repeated: 0 };
  const stage: Stage = {
    recent: () => state.recent,
    wantKeyframe: () => void (state.asked += 1),
    countRepeated: (packets) => void (state.repeated += packets),
  };
  const sent: Line["sent"] = [];
  const extensions: string[] = [];
  const delivery = new RtpDelivery("smooth", {
    ...{ sender, stage, report: () => {} },
    send: (datagram) =>
      void sent.push({ sequence: datagram.readUInt16BE(2), ms: datagram.readUInt32BE(4) / 90 }),
    extension: (latency) => {
      extensions.push(latency);
      return Buffer.alloc(8);
    },
  });
  line = { delivery, sent, extensions, stage: state };
  return line;
}

const timesOf = ({ sent }: Line): number[] => [...new Set(sent.map(({ ms }) => ms))];

describe("pictures as one SRTP stream", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => {
    line?.delivery[Symbol.dispose]();
    vi.useRealTimers();
  });

  it("wait for the first keyframe, and ask for it", () => {
    const started = start();
    started.delivery.show(picture(100));
    started.delivery.show(picture(200, true));
    started.delivery.show(picture(300));
    expect(started.stage.asked).toBe(1);
    expect(timesOf(started)).toEqual([200, 300]);
    expect(started.delivery.droppedPictures).toBe(0);
  });

  it("are sent from the keyframe on as soon as the viewer says that it cannot decode, and not again at once", () => {
    const recent = [picture(100, true), picture(200), picture(300)];
    const started = start(recent);
    expect(timesOf(started)).toEqual([300]);
    started.delivery.wantKeyframe();
    started.delivery.wantKeyframe();
    const replayed = started.sent.slice(1).map(({ ms }) => ms);
    expect(replayed.length).toBe(5); // two parameter sets, three pictures
    expect(replayed.every((ms, i) => i === 0 || ms >= (replayed[i - 1] ?? 0))).toBe(true);
    expect(replayed[0]).toBeGreaterThan(290);
    expect(replayed.at(-1)).toBe(300);
    expect(started.stage.asked).toBe(0);
  });

  it("go on in a new keyframe of the camera, asked for every three seconds, for a viewer who has seen some", () => {
    const started = start([picture(100, true), picture(3000)]);
    started.delivery.wantKeyframe();
    vi.advanceTimersByTime(6000);
    const before = started.sent.length;
    for (let i = 0; i < 10; i += 1) started.delivery.wantKeyframe();
    vi.advanceTimersByTime(3001);
    started.delivery.wantKeyframe();
    expect(started.stage.asked).toBe(2);
    expect(started.sent.length).toBe(before);
  });

  it("leave in bursts that a browser's socket can hold", () => {
    const started = start();
    started.delivery.show(picture(100, true, 300_000));
    expect(started.sent.length).toBeLessThanOrEqual(50);
    vi.advanceTimersByTime(5);
    expect(started.sent.length).toBeLessThanOrEqual(100);
    vi.advanceTimersByTime(100);
    expect(started.sent.length).toBe(2 + Math.ceil(299_999 / 1166));
    expect(started.sent.map(({ sequence }) => sequence)).toEqual(started.sent.map((_, i) => i));
  });

  it("are repeated packet by packet, but none twice while it can still be on its way", () => {
    const started = start();
    started.delivery.show(picture(100, true));
    started.delivery.repeat([0, 2, 9999]);
    started.delivery.repeat([0]);
    vi.advanceTimersByTime(11);
    started.delivery.repeat([0]);
    expect(started.sent.slice(3).map(({ sequence }) => sequence)).toEqual([0, 2, 0]);
    expect(started.stage.repeated).toBe(3);
  });

  it("are left out until the next keyframe for a viewer who loses much, and counted", () => {
    const started = start();
    started.delivery.show(picture(100, true, 100_000));
    vi.advanceTimersByTime(50);
    started.delivery.repeat(Array.from({ length: 40 }, (_, i) => i));
    vi.advanceTimersByTime(1000);
    started.delivery.show(picture(1100));
    started.delivery.show(picture(1200, true));
    expect(timesOf(started)).toEqual([100, 1200]);
    expect(started.delivery.droppedPictures).toBe(1);
    expect(started.stage.asked).toBe(1); // for the beginning alone
  });

  it("leave no timer behind", () => {
    const { delivery } = start();
    delivery.show(picture(100, true, 300_000));
    delivery[Symbol.dispose]();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("say the latency that is wanted now", () => {
    const started = start();
    started.delivery.show(picture(100, true));
    started.delivery.latency = "live";
    started.delivery.show(picture(200));
    expect(new Set(started.extensions)).toEqual(new Set(["smooth", "live"]));
    expect(started.extensions.at(-1)).toBe("live");
  });
});
