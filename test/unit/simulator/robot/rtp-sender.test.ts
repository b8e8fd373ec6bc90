import { describe, expect, it } from "vitest";
import { RtpPacket } from "werift";
import { RtpSender } from "../../../../src/simulator/robot/rtp-sender.ts";

function makeSender(startSequence: number, startTimestamp: number) {
  const sent: RtpPacket[] = [];
  const sender = new RtpSender({
    payloadType: 96,
    clockRate: 90_000,
    startSequence,
    startTimestamp,
    encrypt: (payload, header) => new RtpPacket(header, payload).serialize(),
    send: (packet) => sent.push(RtpPacket.deSerialize(packet)),
  });
  return { sender, sent };
}

describe("an RTP stream", () => {
  it("counts over both wraps", () => {
    const { sender, sent } = makeSender(65_534, 2 ** 32 - 4500);
    for (let frame = 0; frame < 4; frame++)
      sender.send(Buffer.from([1]), true, sender.timestampAt(10 + frame / 30));
    expect(sent.map(({ header }) => header.sequenceNumber)).toEqual([65_534, 65_535, 0, 1]);
    expect(sent.map(({ header }) => header.timestamp)).toEqual([2 ** 32 - 4500, 2 ** 32 - 1500, 1500, 4500]);
  });

  it("sends again, byte for byte, what it still remembers and nothing else", () => {
    const { sender, sent } = makeSender(65_535, 0);
    for (let number = 0; number < 3; number++) sender.send(Buffer.from([number]), false, 0);
    sender.sendAgain([0, 9, 65_535]);
    expect(sent.slice(3).map(({ payload }) => [...payload])).toEqual([[1], [0]]);
    for (let number = 0; number < 5000; number++) sender.send(Buffer.from([7]), false, 0);
    const before = sent.length;
    sender.sendAgain([0]);
    expect(sent).toHaveLength(before);
  });

  it("begins a new life after a restart", () => {
    const { sender, sent } = makeSender(1, 1);
    sender.send(Buffer.from([1]), true, sender.timestampAt(1));
    const { ssrc } = sender;
    sender.restart();
    sender.sendAgain([1]);
    expect(sent).toHaveLength(1);
    sender.send(Buffer.from([2]), true, sender.timestampAt(2));
    expect(sent[1]?.header.ssrc).not.toBe(ssrc);
  });

  it("reports which timestamp belongs to which time of day", () => {
    const { sender } = makeSender(1, 1000);
    sender.send(Buffer.from([1, 2]), true, sender.timestampAt(5));
    const [report] = sender.report(6, 1_700_000_000.5, "camera");
    expect(report.senderInfo).toMatchObject({ rtpTimestamp: 91_000, packetCount: 1, octetCount: 2 });
    expect(report.senderInfo.ntpTimestamp).toBe(((1_700_000_000n + 2_208_988_800n) << 32n) | (2n ** 31n));
  });
});
