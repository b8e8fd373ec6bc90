import { randomInt } from "node:crypto";
import {
  GenericNack,
  PictureLossIndication,
  RTCPeerConnection,
  RTCRtpHeaderExtensionParameters,
  RtcpPayloadSpecificFeedback,
  RtcpSenderInfo,
  RtcpSrPacket,
  RtcpTransportLayerFeedback,
  useH264,
  useNACK,
  usePLI,
} from "werift";
import type { RtcpPacket } from "werift";
import { Fault } from "../../domain/fault.ts";
import type { ViewerCandidate } from "../../domain/preview.ts";
import { SrtpSender } from "../../media/srtp-sender.ts";
import { hasCandidate, withCandidates } from "./candidates.ts";
import { useCounterMode, takeOver } from "./peer-hook.ts";
import { h264PayloadType as payloadType } from "./rtp-stream.ts";
import type { SendReport } from "./rtp-stream.ts";

const ntpToUnixSeconds = 2_208_988_800;

export interface PeerOptions {
  /** The only addresses of ours that the other side learns: one of each family at most. */
  readonly localAddresses: readonly string[];
  /** Header extensions of the video. */
  readonly extensions?: readonly { readonly id: number; readonly uri: string }[];
}

export interface PeerHooks {
  /** Media can be sent. */
  onConnected(sending: PeerSending): void;
  onNack(sequences: readonly number[]): void;
  onPictureLoss(): void;
  /** Anything came from the other side. */
  onHeard?(): void;
  /** It cannot be set up, or is over. Told once; disposal does not tell. */
  onFailed(fault: Fault): void;
}

export interface PeerSending {
  readonly sender: SrtpSender;
  send(datagram: Buffer): void;
  report(report: SendReport): void;
}

/** One WebRTC connection to somebody who receives. We make the offer, with our candidates in it. */
export interface Peer extends Disposable {
  readonly offer: string;
  answer(sdp: string): void;
  addCandidate(candidate: ViewerCandidate | null): void;
}

/**
 * Makes the connection with werift, which does SDP, ICE, DTLS and RTCP; pictures are encrypted and sent by ourselves
 * (`srtp-sender.ts`).
 */
export async function createPeer(
  { localAddresses, extensions = [] }: PeerOptions,
  hooks: PeerHooks,
): Promise<Peer> {
  const connection = new RTCPeerConnection({
    iceServers: [],
    iceUseIpv4: false,
    iceUseIpv6: false,
    iceAdditionalHostAddresses: [...localAddresses],
    iceInterfaceAddresses: Object.fromEntries(
      localAddresses.map((address) => [address.includes(":") ? "udp6" : "udp4", address]),
    ),
    bundlePolicy: "max-bundle",
    // Browsers take no other profile, and decode whatever comes.
    codecs: {
      video: [
        useH264({
          payloadType,
          rtcpFeedback: [useNACK(), usePLI()],
          parameters: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
        }),
      ],
    },
    headerExtensions: {
      video: extensions.map((extension) => new RTCRtpHeaderExtensionParameters(extension)),
    },
  });
  let over = false;
  const fail = (error: unknown, fallback = "The WebRTC connection could not be set up."): void => {
    if (over) return;
    over = true;
    const text = error instanceof Error && error.message !== "" ? `${fallback} ${error.message}` : fallback;
    hooks.onFailed(new Fault("connection-lost", text, { cause: error }));
  };
  const close = (): void => {
    over = true;
    connection.close().catch(() => {});
  };
  try {
    const { sender } = connection.addTransceiver("video", { direction: "sendonly" });
    const description = await connection.createOffer();
    // Without a STUN server werift asks Google's.
    for (const { connection: ice } of connection.iceTransports) delete ice.stunServer;
    await connection.setLocalDescription(description);
    const offer = connection.localDescription?.sdp;
    const transport = sender.dtlsTransport;
    if (offer === undefined) throw new Fault("internal", "The WebRTC library made no offer.");
    useCounterMode(transport);
    transport.onRtcp.subscribe((packet) => readFeedback(packet, hooks));
    connection.connectionStateChange.subscribe((state) => {
      if (state === "failed" || state === "closed" || state === "disconnected")
        fail(undefined, `The WebRTC connection is ${state}.`);
      if (state !== "connected" || over) return;
      try {
        const { keys, send } = takeOver(transport, hooks.onHeard);
        const stream = { ssrc: sender.ssrc, payloadType, firstSequence: randomInt(0x8000) };
        const srtp = new SrtpSender(keys, stream);
        const report = (content: SendReport): void => {
          transport.sendRtcp([toSenderReport(stream.ssrc, content)]).catch(() => {});
        };
        hooks.onConnected({ sender: srtp, send, report });
      } catch (error) {
        fail(error);
      }
    });
    return { offer, ...listenForAnswer(connection, fail), [Symbol.dispose]: close };
  } catch (error) {
    close();
    throw error;
  }
}

/** werift gives up at once when it has nobody to try, so the answer waits for its first candidate. */
function listenForAnswer(
  connection: RTCPeerConnection,
  fail: (error: unknown) => void,
): Pick<Peer, "answer" | "addCandidate"> {
  let answer: string | undefined;
  let accepted = false;
  const early: ViewerCandidate[] = [];
  const accept = (): void => {
    if (answer === undefined || accepted || (early.length === 0 && !hasCandidate(answer))) return;
    accepted = true;
    connection
      .setRemoteDescription({ type: "answer", sdp: withCandidates(answer, early) })
      .catch((error: unknown) => fail(error));
  };
  return {
    answer(sdp) {
      answer ??= sdp;
      accept();
    },
    addCandidate(candidate) {
      if (candidate === null || candidate.candidate === "") return; // what there is has been tried
      if (!accepted) {
        if (early.length < mostCandidates) early.push(candidate);
        return accept();
      }
      const { sdpMid, sdpMLineIndex } = candidate;
      connection
        .addIceCandidate({
          candidate: candidate.candidate,
          ...(sdpMid !== null && { sdpMid }),
          ...(sdpMLineIndex !== null && { sdpMLineIndex }),
        })
        .catch(() => {}); // one that cannot be read is one way less
    },
  };
}

const mostCandidates = 32;

function readFeedback(packet: RtcpPacket, hooks: PeerHooks): void {
  if (packet instanceof RtcpTransportLayerFeedback && packet.feedback instanceof GenericNack)
    hooks.onNack(packet.feedback.lost);
  else if (packet instanceof RtcpPayloadSpecificFeedback && packet.feedback instanceof PictureLossIndication)
    hooks.onPictureLoss();
}

function toSenderReport(ssrc: number, { rtpTimestamp, packets, octets }: SendReport): RtcpSrPacket {
  const ms = performance.timeOrigin + performance.now();
  const ntpTimestamp =
    (BigInt(Math.floor(ms / 1000) + ntpToUnixSeconds) << 32n) |
    BigInt(Math.floor(((ms % 1000) / 1000) * 2 ** 32));
  const senderInfo = new RtcpSenderInfo({
    ntpTimestamp,
    rtpTimestamp,
    packetCount: packets % 2 ** 32,
    octetCount: octets % 2 ** 32,
  });
  return new RtcpSrPacket({ ssrc, senderInfo });
}
