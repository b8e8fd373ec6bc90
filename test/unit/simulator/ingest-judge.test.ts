import { describe, expect, it } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import { IngestJudge, type ConnectionRecord } from "../../../src/simulator/ingest-judge.ts";

const sequenceHeader = Buffer.from("1700000000014200ffff", "hex");
const aacHeader = Buffer.from("af001210", "hex");
const aacUnit = Buffer.from("af0121", "hex");

function picture(nalType: number, { composition = 0, size = 20 } = {}): Buffer {
  const payload = Buffer.alloc(9 + size);
  payload[0] = 0x17; // the flag says keyframe, always: it must not be believed
  payload[1] = 1;
  payload.writeIntBE(composition, 2, 3);
  payload.writeUInt32BE(size, 5);
  payload[9] = 0x60 | nalType;
  return payload;
}

function begin(judge: IngestJudge): ConnectionRecord {
  const connection = judge.beginConnection();
  judge.video(connection, 0, sequenceHeader);
  judge.audio(connection, 0, aacHeader);
  judge.audio(connection, 0, aacUnit);
  return connection;
}

/** A stream of 30 pictures a second with an IDR every `gop`. */
function stream(judge: IngestJudge, frames: number, gop: number, size?: number): void {
  const connection = begin(judge);
  for (let i = 0; i < frames; i += 1) {
    judge.video(
      connection,
      Math.round((i * 1000) / 30),
      picture(i % gop === 0 ? 5 : 1, size === undefined ? {} : { size }),
    );
  }
}

describe("the ingest's judge", () => {
  it("has nothing to say about what Twitch asks for", () => {
    const judge = new IngestJudge();
    stream(judge, 300, 60);
    expect(judge.report()).toMatchObject({
      connections: 1,
      frames: 300,
      keyframes: 5,
      audioUnits: 1,
      sequenceHeaders: 1,
      idrSpacingMs: { max: 2000 },
      timestampErrors: 0,
      audioFromStart: true,
      remarks: [],
    });
    expect(judge.report().fps).toBeCloseTo(30, 1);
  });

  it("finds IDR pictures by their NAL type, not by the keyframe flag", () => {
    const judge = new IngestJudge();
    stream(judge, 150, 150);
    expect(judge.report()).toMatchObject({ keyframes: 1, idrSpacingMs: { max: 4967 } });
    expect(judge.report().remarks).toEqual(["IDR pictures are more than 2 s apart."]);
  });

  it("minds a first picture that is no IDR, and one without a sequence header", () => {
    const judge = new IngestJudge();
    judge.video(judge.beginConnection(), 0, picture(1));
    expect(judge.report().remarks).toEqual([
      "A picture came before the AVC sequence header.",
      expect.stringContaining("not an IDR"),
    ]);
  });

  it("minds a missing sound", () => {
    const judge = new IngestJudge();
    const connection = judge.beginConnection();
    judge.video(connection, 0, sequenceHeader);
    for (let time = 0; time < 800; time += 40) judge.video(connection, time, picture(time === 0 ? 5 : 1));
    expect(judge.report()).toMatchObject({ audioFromStart: false, remarks: ["There is no sound."] });
  });

  it("minds times that do not increase, and counts them", () => {
    const judge = new IngestJudge();
    const connection = begin(judge);
    for (const time of [0, 40, 40, 20]) judge.video(connection, time, picture(time === 0 ? 5 : 1));
    expect(judge.report().timestampErrors).toBe(2);
    expect(judge.report().remarks).toEqual(["The pictures' timestamps do not strictly increase."]);
  });

  it("minds B-frames", () => {
    const judge = new IngestJudge();
    judge.video(begin(judge), 0, picture(5, { composition: 40 }));
    expect(judge.report().reorderedFrames).toBe(1);
    expect(judge.report().remarks[0]).toContain("B-frames");
  });

  it("minds more than 6000 kbit/s", () => {
    const judge = new IngestJudge();
    stream(judge, 300, 60, 30_000);
    expect(judge.report().remarks).toEqual(["The video has more than 6000 kbit/s."]);
  });

  it("minds a sequence header that is repeated unchanged", () => {
    const judge = new IngestJudge();
    judge.video(begin(judge), 0, sequenceHeader);
    expect(judge.report().remarks[0]).toContain("sent again");
  });

  it("judges the connections apart", () => {
    const judge = new IngestJudge();
    stream(judge, 60, 60);
    stream(judge, 60, 60);
    expect(judge.report()).toMatchObject({ connections: 2, frames: 120, timestampErrors: 0, remarks: [] });
  });

  it("refuses what is too short to be video", () => {
    const judge = new IngestJudge();
    expect(() => judge.video(judge.beginConnection(), 0, Buffer.of(0x17))).toThrow(Fault);
  });
});
