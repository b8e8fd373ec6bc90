import { createSocket } from "node:dgram";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PreviewMessage, PreviewViewer } from "../../src/domain/preview.ts";
import { createPreview } from "../../src/outputs/preview/preview.ts";
import { eventually } from "../helpers/eventually.ts";
import { videoUnit } from "../helpers/units.ts";

/** What nobody has caught: it would have ended the process. */
const uncaught: unknown[] = [];
const note = (error: unknown): void => void uncaught.push(error);

beforeEach(() => {
  uncaught.length = 0;
  process.on("unhandledRejection", note).on("uncaughtException", note);
});
afterEach(() => void process.off("unhandledRejection", note).off("uncaughtException", note));

function createViewer(): PreviewViewer & { readonly offers: Extract<PreviewMessage, { type: "offer" }>[] } {
  const offers: Extract<PreviewMessage, { type: "offer" }>[] = [];
  return {
    ...{ offers, peerAddress: "127.0.0.1", localAddress: "127.0.0.1", isProxied: false, waitingBytes: 0 },
    send: (message) => void (message.type === "offer" && offers.push(message)),
    sendFrame: () => {},
    close: () => {},
  };
}

/** An answer as a browser gives it, but for whom it is from, with these candidates. */
function answerTo(offer: string, candidates: readonly string[]): string {
  const fingerprint = Array.from({ length: 32 }, () => "AB").join(":");
  return [
    ...["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0"],
    ...["m=video 9 UDP/TLS/RTP/SAVPF 102", "c=IN IP4 0.0.0.0", "a=rtcp-mux", "a=recvonly"],
    ...["a=ice-ufrag:abcd", "a=ice-pwd:abcdefghijklmnopqrstuvwx", `a=fingerprint:sha-256 ${fingerprint}`],
    ...["a=setup:active", `a=mid:${/^a=mid:(\S+)/m.exec(offer)?.[1] ?? "0"}`, "a=rtpmap:102 H264/90000"],
    ...["a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"],
    ...candidates.map((candidate) => `a=${candidate}`),
    "",
  ].join("\r\n");
}

const candidateAt = (address: string, port: number): string =>
  `candidate:1 1 udp 2113937151 ${address} ${port} typ host generation 0`;
const watch = { type: "watch", latency: "live", transport: "webrtc" } as const;

describe("a viewer of the preview", () => {
  it.each<readonly [string, (offer: string) => string]>([
    ["answers with nothing", () => ""],
    ["answers with words", () => `no\r\na=${candidateAt("127.0.0.1", 9)}\r\n`],
    ["answers with its own offer", (offer) => offer],
    [
      "refuses the picture",
      (offer) => answerTo(offer, [candidateAt("127.0.0.1", 9)]).replace("video 9", "video 0"),
    ],
    [
      "knows another profile alone",
      (offer) =>
        answerTo(offer, [candidateAt("127.0.0.1", 9)])
          .replace("42e01f", "640c1f")
          .replace("H264/90000", "VP8/90000"),
    ],
    ["is at a port where nobody is", (offer) => answerTo(offer, [candidateAt("127.0.0.1", 9)])],
    ["is at no address", (offer) => answerTo(offer, [candidateAt("nowhere", 99_999)])],
    ["has a candidate that is none", (offer) => answerTo(offer, ["candidate:x"])],
  ])("that %s harms nobody, and may try again", async (_what, answer) => {
    const preview = createPreview({ maxViewers: 2 });
    const attendance = preview.attend({ requestKeyframe: () => {} });
    const viewer = createViewer();
    using seat = preview.join(viewer);
    seat?.receive(watch);
    await eventually(() => viewer.offers.length === 1);
    seat?.receive({ type: "answer", id: 1, sdp: answer(viewer.offers[0]?.sdp ?? "") });
    for (const candidate of ["", "candidate:", "candidate:1 1 udp 1 ::1 1 typ host", "x".repeat(9999)])
      seat?.receive({ type: "candidate", id: 1, candidate: { candidate, sdpMid: "7", sdpMLineIndex: -1 } });
    seat?.receive({ type: "candidate", id: 1, candidate: null });
    attendance.show(videoUnit(1000, true));
    await sleep(300); // what goes wrong in the background has the time to
    seat?.receive({ type: "failed", id: 1, reason: "no picture" });
    await eventually(() => viewer.offers.length === 2);
    attendance.show(videoUnit(1100));
    expect(uncaught).toEqual([]);
  });

  it("that leaves at any moment leaves nothing behind", async () => {
    const preview = createPreview({ maxViewers: 2 });
    const silent = createSocket("udp4");
    silent.bind(0, "127.0.0.1");
    await once(silent, "listening");
    for (let turns = 0; turns < 12; turns += 1) {
      const viewer = createViewer();
      const seat = preview.join(viewer);
      seat?.receive(watch);
      for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
      const [offer] = viewer.offers;
      if (offer !== undefined) {
        const sdp = answerTo(offer.sdp, [candidateAt("127.0.0.1", silent.address().port)]);
        seat?.receive({ type: "answer", id: 1, sdp });
      }
      seat?.[Symbol.dispose]();
    }
    await sleep(300);
    silent.close();
    expect(preview.counters.viewers).toBe(0);
    expect(uncaught).toEqual([]);
  });
});
