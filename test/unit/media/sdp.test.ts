import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseOfferedMedia } from "../../../src/media/sdp.ts";

const offer = [
  "v=0",
  "m=video 9 UDP/TLS/RTP/SAVPF 102 97",
  "a=rtpmap:102 H264/90000",
  "a=rtpmap:97 rtx/90000",
  "a=fmtp:97 apt=102",
  "a=fmtp:102 profile-level-id=42e01f; packetization-mode=1;sprop-parameter-sets=Z0LA,aM4=",
  "m=audio 9 UDP/TLS/RTP/SAVPF 111",
  "a=rtpmap:111 opus/48000/2",
].join("\r\n");

describe("parseOfferedMedia", () => {
  it("finds each codec with its payload type and parameters", () => {
    const [video, audio] = parseOfferedMedia(offer);
    expect(video?.kind).toBe("video");
    expect(video?.codecs.map(({ name, payloadType }) => [name, payloadType])).toEqual([
      ["h264", 102],
      ["rtx", 97],
    ]);
    expect(video?.codecs[0]?.parameters.get("sprop-parameter-sets")).toBe("Z0LA,aM4=");
    expect(audio?.codecs).toMatchObject([{ name: "opus", payloadType: 111, clockRate: 48_000 }]);
  });

  it("takes any text", () => {
    const lines = fc.array(
      fc.oneof(fc.string(), fc.constantFrom("m=video", "m=", "a=rtpmap:999 x/1", "a=fmtp:1 =;=;a=")),
    );
    fc.assert(
      fc.property(lines, (text) => {
        for (const { codecs } of parseOfferedMedia(text.join("\n"))) expect(Array.isArray(codecs)).toBe(true);
      }),
    );
  });
});
