import { describe, expect, it } from "vitest";
import type { AudioUnit, VideoUnit } from "../../../src/domain/media.ts";
import { RtmpComposer } from "../../../src/outputs/rtmp-composer.ts";
import { decodeAmf0 } from "../../../src/rtmp/amf0.ts";
import { messageType, type OutgoingMessage } from "../../../src/rtmp/message.ts";
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
