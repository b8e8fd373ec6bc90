import { describe, expect, it } from "vitest";
import type { AudioUnit, VideoUnit } from "../../../src/domain/media.ts";
import { RtmpComposer } from "../../../src/outputs/rtmp-composer.ts";
import { audioSpecificConfig, silentAacUnit } from "../../../src/media/aac.ts";
import { decodeAmf0 } from "../../../src/rtmp/amf0.ts";
import { messageType, type OutgoingMessage } from "../../../src/rtmp/message.ts";
import { writePps, writeSps } from "../../helpers/h264-writer.ts";
import { videoUnit } from "../../helpers/publish.ts";

const sps = Buffer.from("6742c01fda014016e9a808080a00000300020000030079", "hex");
const pps = Buffer.from("68ce3c80", "hex");
const idr = Buffer.from("6588840a", "hex");
const slice = Buffer.from("419a0255", "hex");
const stereo = { sampleRate: 48_000, channels: 2 } as const;
const frameUs = 33_333;

const keyframe = (dtsUs: number): VideoUnit => videoUnit([sps, pps, idr], dtsUs);
const picture = (dtsUs: number): VideoUnit => videoUnit([slice], dtsUs);
const sound = (ptsUs: number): AudioUnit => ({
  kind: "audio",
  ptsUs,
  codec: "aac",
  payload: Buffer.of(1, 2, 3),
});

/** Each message as one line: kind, time, first bytes. The heads are used again, so they are read at once. */
function lines(messages: readonly OutgoingMessage[]): string[] {
  return messages.map(({ type, timestamp, head, body }) => {
    const kind = { [messageType.video]: "video", [messageType.audio]: "audio" }[type] ?? "data";
    const start = Buffer.concat([head, body]).subarray(0, kind === "audio" ? 2 : 5);
    return kind === "data" ? kind : `${kind} ${timestamp} ${start.toString("hex")}`;
  });
}

describe("the composer", () => {
  it("begins with metadata, both sequence headers, silence and the picture, all at time 0", () => {
    const composer = new RtmpComposer("silent", stereo);
    expect(lines(composer.video(keyframe(5_000_000)))).toEqual([
      "data",
      "video 0 1700000000",
      "audio 0 af00",
      "audio 0 af01",
      "video 0 1701000000",
    ]);
  });

  it("puts the silence that has come due in front of each picture", () => {
    const composer = new RtmpComposer("silent", stereo);
    composer.video(keyframe(1_000_000));
    expect(lines(composer.video(picture(1_000_000 + frameUs)))).toEqual([
      "audio 23 af01",
      "video 33 2701000000",
    ]);
    expect(lines(composer.video(picture(1_000_000 + 2 * frameUs)))).toEqual([
      "audio 46 af01",
      "video 67 2701000000",
    ]);
  });

  it("sends a sequence header again only when the parameter sets have changed", () => {
    const composer = new RtmpComposer("none", stereo);
    composer.video(keyframe(0));
    expect(lines(composer.video(keyframe(frameUs)))).toEqual(["video 33 1701000000"]);
    const otherPps = Buffer.from("68ce3c81", "hex");
    const changed = videoUnit([sps, otherPps, idr], 2 * frameUs);
    expect(lines(composer.video(changed))).toEqual(["video 67 1700000000", "video 67 1701000000"]);
    expect(lines(composer.video({ ...changed, dtsUs: 3 * frameUs, ptsUs: 3 * frameUs }))).toHaveLength(1);
  });

  it("keeps the pictures' times strictly increasing", () => {
    const composer = new RtmpComposer("none", stereo);
    const times = [0, 100, 200, 33_000, 20_000, 40_000].map(
      (dtsUs, index) => composer.video(index === 0 ? keyframe(dtsUs) : picture(dtsUs)).at(-1)?.timestamp,
    );
    expect(times).toEqual([0, 1, 2, 33, 34, 40]);
  });

  it("gives the time between decoding and showing as the composition time", () => {
    const composer = new RtmpComposer("none", stereo);
    const [line] = lines(composer.video({ ...keyframe(0), ptsUs: 66_667 })).slice(-1);
    expect(line).toBe("video 0 1701000043");
  });

  it("sends the camera's own sound with its format, from the first picture's time on", () => {
    const composer = new RtmpComposer("camera", stereo);
    expect(composer.audio(sound(0))).toEqual([]);
    const first = composer.video(keyframe(1_000_000));
    expect(lines(first)).toEqual(["data", "video 0 1700000000", "audio 0 af00", "video 0 1701000000"]);
    expect(Buffer.from(first[2]?.head ?? []).toString("hex")).toBe("af001190");
    expect(composer.audio(sound(999_000))).toEqual([]);
    expect(lines(composer.audio(sound(1_021_000)))).toEqual(["audio 21 af01"]);
    expect(composer.audio({ ...sound(1_040_000), codec: "opus" })).toEqual([]);
  });

  it("knows a picture of another size by its SPS, once there was a first", () => {
    const composer = new RtmpComposer("none", stereo);
    const other = videoUnit([writeSps(), writePps(), idr], frameUs);
    expect(composer.resizes(other)).toBe(false);
    composer.video(keyframe(0));
    expect(composer.resizes(other)).toBe(true);
    expect(composer.resizes(keyframe(frameUs))).toBe(false);
    expect(composer.resizes(picture(frameUs))).toBe(false);
    composer.video(other);
    expect(composer.resizes(other)).toBe(false);
    expect(composer.resizes(keyframe(2 * frameUs))).toBe(true);
  });

  it("puts silence where the camera's sound pauses, without a gap on either side", () => {
    const composer = new RtmpComposer("camera", stereo);
    const times: number[] = [];
    const note = (messages: readonly OutgoingMessage[]): void => {
      for (const { type, timestamp } of messages) if (type === messageType.audio) times.push(timestamp);
    };
    const unitUs = (1024 / 48_000) * 1_000_000;
    note(composer.video(keyframe(0)).slice(2));
    for (let us = 0; us < 6_000_000; us += frameUs) {
      if (us > 0) note(composer.video(picture(us)));
      const isPaused = us > 1_000_000 && us < 4_000_000;
      for (let soundUs = Math.ceil(us / unitUs) * unitUs; soundUs < us + frameUs; soundUs += unitUs)
        if (!isPaused) note(composer.audio(sound(soundUs)));
    }
    const steps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
    expect(Math.min(...steps.slice(1))).toBeGreaterThan(0);
    expect(Math.max(...steps)).toBeLessThan(44);
    expect(times.at(-1)).toBeGreaterThan(5900);
  });

  it("leaves out the camera's sound where silence has taken its place, as the last of it that an encoder gives late", () => {
    const composer = new RtmpComposer("camera", stereo);
    composer.video(keyframe(0));
    composer.audio(sound(0));
    const silence = lines(composer.video(picture(900_000)));
    expect(silence.slice(-2)).toEqual(["audio 597 af01", "video 900 2701000000"]);
    expect(composer.audio(sound(21_333))).toEqual([]);
    const times = composer.audio(sound(811_000)).map(({ timestamp }) => timestamp);
    expect(times).toEqual([619, 640, 661, 683, 704, 725, 747, 768, 789, 811]);
  });

  it("tells the picture's size in the metadata", () => {
    const composer = new RtmpComposer("silent", stereo);
    const [metadata] = composer.video(keyframe(0));
    const [command, name, properties] = decodeAmf0(metadata?.body ?? Buffer.alloc(0));
    expect([command, name]).toEqual(["@setDataFrame", "onMetaData"]);
    const found = Object.fromEntries(properties as Map<string, unknown>);
    expect(found).toMatchObject({ width: 1280, height: 720, audiosamplerate: 44_100 });
  });

  it("refuses a first picture without parameter sets", () => {
    expect(() => new RtmpComposer("none", stereo).video(videoUnit([idr], 0))).toThrow("SPS and PPS");
  });
});

describe("the camera's sound", () => {
  const unitUs = 1_024_000_000 / 48_000;
  const monoConfig = audioSpecificConfig({ sampleRate: 44_100, channels: 1 });

  /** Pictures and the sound that has come by then, `lateUs` behind them, where `hasSound`, for so many seconds. */
  function run(seconds: number, hasSound: (second: number) => boolean, lateUs = 50_000, config?: Buffer) {
    const composer = new RtmpComposer("camera", stereo);
    const sent: { readonly ms: number; readonly silent: boolean; readonly atMs: number }[] = [];
    const keep = (messages: readonly OutgoingMessage[], atUs: number): void => {
      for (const { type, timestamp, head, body } of messages) {
        if (type !== messageType.audio || head[1] === 0) continue;
        sent.push({
          ms: timestamp,
          silent: Buffer.compare(body, Buffer.of(1, 2, 3)) !== 0,
          atMs: atUs / 1000,
        });
      }
    };
    let nextSoundUs = 0;
    for (let us = 0; us <= seconds * 1e6; us += frameUs) {
      for (; nextSoundUs <= us - lateUs; nextSoundUs += unitUs) {
        const unit = { ...sound(Math.round(nextSoundUs)), ...(config && { config }) };
        if (hasSound(nextSoundUs / 1e6)) keep(composer.audio(unit), us);
      }
      keep(composer.video(us === 0 ? keyframe(0) : picture(us)), us);
    }
    return sent;
  }

  const stepsOf = (sent: readonly { readonly ms: number }[]): number[] =>
    sent.slice(1).map(({ ms }, i) => ms - (sent[i]?.ms ?? 0));

  it("goes out alone while it comes", () => {
    const sent = run(10, () => true);
    expect(sent.some(({ silent }) => silent)).toBe(false);
    expect(Math.max(...stepsOf(sent))).toBeLessThan(23);
  });

  it("is replaced by silence while it is missing, from where it ended, without a gap and never ahead of it", () => {
    const sent = run(10, (second) => second < 3 || second > 6);
    const steps = stepsOf(sent);
    expect(Math.max(...steps)).toBeLessThan(45);
    expect(Math.min(...steps)).toBeGreaterThan(0);
    const silent = sent.filter(({ silent }) => silent);
    expect(silent[0]?.ms).toBeLessThan(3050);
    expect(silent.at(-1)?.ms).toBeGreaterThan(5650);
    expect(silent.every(({ ms, atMs }) => ms < atMs)).toBe(true);
  });

  it("is silence from the beginning where it never comes", () => {
    const sent = run(5, () => false);
    expect(sent[0]?.ms).toBe(0);
    expect(Math.max(...stepsOf(sent))).toBeLessThan(25);
    expect(sent.at(-1)?.ms).toBeGreaterThan(4600);
  });

  it("never has more of it than fits in the time, though it stops and goes on again and again", () => {
    const sent = run(20, (second) => second % 1.5 < 0.7);
    for (let from = 0; from < 19_000; from += 1000)
      expect(sent.filter(({ ms }) => ms >= from && ms < from + 1000).length).toBeLessThanOrEqual(48);
    expect(Math.min(...stepsOf(sent))).toBeGreaterThan(0);
  });

  it("is left out as far as silence has taken its place", () => {
    const sent = run(12, (second) => second < 3 || second > 6, 400_000);
    expect(Math.min(...stepsOf(sent))).toBeGreaterThan(5);
    expect(sent.at(-1)?.silent).toBe(false);
  });

  it("is followed by silence of its own kind: mono at its rate", () => {
    const sent = run(5, (second) => second < 1, 50_000, monoConfig);
    const silent = sent.filter((one) => one.silent && one.ms > 1500);
    expect(stepsOf(silent).every((ms) => ms === 23 || ms === 24)).toBe(true);
    const composer = new RtmpComposer("camera", stereo);
    composer.video(keyframe(0));
    composer.audio({ ...sound(0), config: monoConfig });
    const body = composer.video(picture(900_000)).find(({ type }) => type === messageType.audio)?.body;
    expect(body).toEqual(silentAacUnit({ sampleRate: 44_100, channels: 1 }));
  });

  it("tells its format again when it changes, with the time of its first sound", () => {
    const composer = new RtmpComposer("camera", stereo);
    composer.video(keyframe(0));
    expect(lines(composer.audio(sound(21_000)))).toEqual(["audio 21 af01"]);
    expect(lines(composer.audio({ ...sound(42_000), config: monoConfig }))).toEqual([
      "audio 42 af00",
      "audio 42 af01",
    ]);
    expect(lines(composer.audio({ ...sound(65_000), config: monoConfig }))).toEqual(["audio 65 af01"]);
  });
});
