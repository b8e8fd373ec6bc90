import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MediaReceiver } from "../../../../src/camera/spot/media-receiver.ts";
import { toRtpPayloads } from "../../../../src/media/rtp-payloads.ts";
import { parseOfferedMedia } from "../../../../src/media/sdp.ts";
import { SrtpReceiver } from "../../../../src/media/srtp.ts";
import { SrtpSender } from "../../../../src/media/srtp-sender.ts";
import { Timeline } from "../../../../src/media/timeline.ts";
import { nal, pps, sps } from "../../../helpers/rtp.ts";

const keys = { encryption: randomBytes(16), salt: randomBytes(14), authentication: randomBytes(20) };
const offer = parseOfferedMedia(
  ["v=0", "m=video 9 UDP/TLS/RTP/SAVPF 102", "a=rtpmap:102 H264/90000", "a=mid:0", ""].join("\r\n"),
);

/** A receiver to which a camera has sent its first picture. */
function createReceiver() {
  const requestKeyframe = vi.fn();
  const feedback = { requestKeyframe, requestPackets: () => {}, report: () => {} };
  const media = new MediaReceiver({
    offer,
    onLoss: "freeze",
    emit: () => {},
    feedback,
    timeline: new Timeline(),
  });
  media.start(new SrtpReceiver("AES128_CM_HMAC_SHA1_80", keys));
  const sender = new SrtpSender(keys, { ssrc: 7, payloadType: 102, firstSequence: 100 });
  const empty = Buffer.alloc(0);
  for (const datagram of sender.protect(toRtpPayloads([sps, pps, nal(5, 900)]), 0, empty, 0, 10_000))
    media.push(datagram);
  return { media, requestKeyframe };
}

describe("the receiver of a camera's media", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["performance", "setInterval", "clearInterval"] }));
  afterEach(() => void vi.useRealTimers());

  // A hold that ends shortly before an ingest's segment is full needs another IDR when it is.
  it("asks for an IDR when the camera begins, and again after 200 ms, not earlier", () => {
    const { media, requestKeyframe } = createReceiver();
    using _ = media;
    expect(requestKeyframe).toHaveBeenCalledExactlyOnceWith(7);
    vi.advanceTimersByTime(199);
    media.requestKeyframe();
    expect(requestKeyframe).toHaveBeenCalledOnce();
    vi.advanceTimersByTime(1);
    media.requestKeyframe();
    expect(requestKeyframe).toHaveBeenCalledTimes(2);
    expect(media.counters.keyframeRequests).toBe(2);
  });
});
