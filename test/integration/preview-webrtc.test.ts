import { RTCPeerConnection, useH264, useNACK, usePLI } from "werift";
import { describe, expect, it } from "vitest";
import type { PreviewMessage } from "../../src/domain/preview.ts";
import { Depacketizer } from "../../src/media/depacketizer.ts";
import { rtpHeaderLength } from "../../src/media/srtp.ts";
import { startRobotProcess } from "../helpers/appliance.ts";
import { countJumps, decodeFrameNumbers } from "../helpers/bar-code.ts";
import { smallPicture } from "../helpers/line.ts";
import { startPreviewLine } from "../helpers/preview-line.ts";

const startCode = Buffer.from([0, 0, 0, 1]);

/** A viewer that is no browser: gives the first pictures that it can decode, as an Annex B byte stream. */
async function receive(url: string, pictures: number): Promise<Buffer> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/api/preview`);
  const feedback = { rtcpFeedback: [useNACK(), usePLI()] };
  const peer = new RTCPeerConnection({
    iceServers: [],
    iceUseIpv6: false,
    iceUseIpv4: false,
    iceAdditionalHostAddresses: ["127.0.0.1"],
    iceInterfaceAddresses: { udp4: "127.0.0.1" },
    codecs: { video: [useH264({ payloadType: 102, ...feedback })] },
  });
  const say = (words: object): void => socket.send(JSON.stringify(words));
  const units: Uint8Array[][] = [];
  const done = Promise.withResolvers<void>();
  const depacketizer = new Depacketizer("freeze", {
    emit(unit) {
      if (units.length > 0 || unit.keyframe) units.push([...unit.nalus]);
      if (units.length === pictures) done.resolve();
    },
    wantKeyframe: () => {},
  });
  peer.onTrack.subscribe((track) => {
    const [receiver] = peer.getReceivers();
    const asking = setInterval(() => {
      if (units.length > 0) clearInterval(asking);
      else void receiver?.sendRtcpPLI(track.ssrc ?? 0);
    }, 100);
    track.onReceiveRtp.subscribe((packet) => {
      const data = packet.serialize();
      depacketizer.push(
        {
          ...{ data, index: packet.header.sequenceNumber, timestamp: packet.header.timestamp },
          ...{ ssrc: packet.header.ssrc, payloadType: 102, marker: packet.header.marker },
          ...{ payloadStart: rtpHeaderLength(data, data.length) ?? 12, payloadEnd: data.length },
        },
        false,
      );
    });
  });
  socket.addEventListener("open", () => say({ type: "watch", latency: "smooth", transport: "webrtc" }));
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(String(data)) as PreviewMessage;
    if (message.type !== "offer") return;
    const { id, sdp } = message;
    void (async () => {
      await peer.setRemoteDescription({ type: "offer", sdp });
      for (const { connection } of peer.iceTransports) delete connection.stunServer;
      await peer.setLocalDescription(await peer.createAnswer());
      say({ type: "answer", id, sdp: peer.localDescription?.sdp });
    })().catch(done.reject);
  });
  await done.promise;
  socket.close();
  await peer.close();
  return Buffer.concat(units.flat().flatMap((nalu) => [startCode, nalu]));
}

describe("the preview over WebRTC", () => {
  it("brings the camera's pictures to a viewer that is no browser, whole and in order", async () => {
    await using robot = await startRobotProcess(smallPicture);
    await using line = await startPreviewLine(robot);
    const { numbers, complaints } = await decodeFrameNumbers(await receive(line.url, 200));
    expect(complaints).toEqual([]);
    expect(numbers.length).toBeGreaterThanOrEqual(199);
    // The GOP may begin anew once, where the wish for it was on its way when a keyframe came.
    expect(countJumps(numbers.slice(-100), 300)).toBe(0);
  });
});
