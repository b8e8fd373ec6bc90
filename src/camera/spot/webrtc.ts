import {
  GenericNack,
  PictureLossIndication,
  RTCPeerConnection,
  RTCRtpCodecParameters,
  RtcpPayloadSpecificFeedback,
  RtcpReceiverInfo,
  RtcpRrPacket,
  RtcpSrPacket,
  RtcpTransportLayerFeedback,
} from "werift";
import type { RTCDtlsTransport } from "werift";
import { Fault } from "../../domain/fault.ts";
import type { ReceptionReport } from "../../media/reception.ts";
import { findLocalAddress } from "./local-address.ts";
import { takeMedia } from "./webrtc-hook.ts";
import type { MediaTap } from "./webrtc-hook.ts";

const connectTimeoutMs = 15_000;
const ntpToUnixSeconds = 2_208_988_800;
/** Any SSRC will do: we never send media. */
const ourSsrc = 1;

export interface CameraSessionOptions {
  readonly offer: string;
  readonly cameraHost: string;
  /** The interface that leads to it; undefined: whichever the routes say. */
  readonly interface: string | undefined;
  /** Whether the camera's sound is wanted; otherwise it is told not to send any. */
  readonly audio: boolean;
  readonly onDatagram: (datagram: Buffer) => void;
  readonly onSenderReport: (ssrc: number, ntpUs: number, rtpTimestamp: number) => void;
}

/** One WebRTC session in which the camera sends and we receive. Disposal closes it. */
export interface CameraSession extends AsyncDisposable {
  /** Our answer with all candidates. */
  readonly answer: string;
  /** Resolves with the keys of the camera's media when ICE and DTLS are through. */
  waitForKeys(signal: AbortSignal): Promise<MediaTap["keys"]>;
  /** Rejects with `connection-lost` when the session ends. */
  readonly lost: Promise<never>;
  /** True where the kernel gave at least the wanted receive buffer to every socket. */
  readonly receiveBufferBytes: number;
  sendKeyframeRequest(ssrc: number): void;
  sendNack(ssrc: number, sequences: readonly number[]): void;
  sendReport(ssrc: number, report: ReceptionReport): void;
}

/**
 * Answers the camera's offer with werift, which does SDP, ICE, DTLS and RTCP. Media datagrams are taken from its
 * sockets before it sees them (`webrtc-hook.ts`). ICE is kept to the one interface that leads to the camera.
 */
export async function answerCamera(options: CameraSessionOptions): Promise<CameraSession> {
  const localAddress = await findLocalAddress(options.cameraHost, options.interface);
  const feedback = [{ type: "nack" }, { type: "nack", parameter: "pli" }];
  const connection = new RTCPeerConnection({
    iceServers: [],
    iceUseIpv4: false,
    iceUseIpv6: false,
    iceAdditionalHostAddresses: [localAddress],
    iceInterfaceAddresses: localAddress.includes(":") ? { udp6: localAddress } : { udp4: localAddress },
    codecs: {
      // No profile and no packetization mode: whatever the camera offers is answered as it stands.
      video: [
        new RTCRtpCodecParameters({ mimeType: "video/H264", clockRate: 90_000, rtcpFeedback: feedback }),
      ],
      audio: [new RTCRtpCodecParameters({ mimeType: "audio/OPUS", clockRate: 48_000, channels: 2 })],
    },
  });
  try {
    const lost = watchConnection(connection);
    await connection.setRemoteDescription({ type: "offer", sdp: options.offer });
    for (const transceiver of connection.getTransceivers()) {
      transceiver.setDirection(transceiver.kind === "video" || options.audio ? "recvonly" : "inactive");
    }
    // Without a STUN server werift asks Google's, and waits 5 s for it where there is no internet.
    for (const { connection: ice } of connection.iceTransports) delete ice.stunServer;
    await connection.setLocalDescription(await connection.createAnswer());
    const transport = connection.dtlsTransports[0];
    const answer = connection.localDescription?.sdp;
    if (transport === undefined || answer === undefined) {
      throw new Fault("signalling-refused", "The camera's offer holds no media that can be received.");
    }
    const tap = takeMedia(transport, options.onDatagram);
    transport.onRtcp.subscribe((packet) => {
      if (!(packet instanceof RtcpSrPacket)) return;
      const { ntpTimestamp, rtpTimestamp } = packet.senderInfo;
      options.onSenderReport(packet.ssrc, ntpToUs(ntpTimestamp), rtpTimestamp);
    });
    return makeSession(connection, transport, tap, answer, lost);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

function makeSession(
  connection: RTCPeerConnection,
  transport: RTCDtlsTransport,
  tap: MediaTap,
  answer: string,
  lost: Promise<never>,
): CameraSession {
  const send = (packets: Parameters<RTCDtlsTransport["sendRtcp"]>[0]): void => {
    transport.sendRtcp(packets).catch(() => {}); // a request that cannot be sent is asked for again
  };
  return {
    answer,
    lost,
    receiveBufferBytes: tap.receiveBufferBytes,
    async waitForKeys(signal) {
      const cut = Promise.withResolvers<never>();
      const stop = (): void =>
        cut.reject(
          new Fault(
            "connection-lost",
            "The camera did not finish ICE and DTLS within 15 s. Check that UDP ports 31000-32000 are open between this box and the camera.",
          ),
        );
      const timer = setTimeout(stop, connectTimeoutMs);
      signal.addEventListener("abort", stop, { once: true });
      try {
        await Promise.race([tap.connected, lost, cut.promise]);
      } finally {
        clearTimeout(timer);
        signal.removeEventListener("abort", stop);
      }
      return tap.keys;
    },
    sendKeyframeRequest(ssrc) {
      const pli = new PictureLossIndication({ senderSsrc: ourSsrc, mediaSsrc: ssrc });
      send([new RtcpPayloadSpecificFeedback({ feedback: pli })]);
    },
    sendNack(ssrc, sequences) {
      const nack = new GenericNack({ senderSsrc: ourSsrc, mediaSourceSsrc: ssrc, lost: [...sequences] });
      send([new RtcpTransportLayerFeedback({ feedback: nack })]);
    },
    sendReport(ssrc, report) {
      send([new RtcpRrPacket({ ssrc: ourSsrc, reports: [new RtcpReceiverInfo({ ssrc, ...report })] })]);
    },
    async [Symbol.asyncDispose]() {
      await connection.close();
    },
  };
}

function watchConnection(connection: RTCPeerConnection): Promise<never> {
  const lost = new Promise<never>((_resolve, reject) => {
    connection.connectionStateChange.subscribe((state) => {
      if (state === "failed" || state === "closed" || state === "disconnected") {
        reject(new Fault("connection-lost", `The WebRTC connection to the camera is ${state}.`));
      }
    });
  });
  lost.catch(() => {}); // whoever runs the session awaits it
  return lost;
}

/** 64-bit NTP time (RFC 3550, 4) to microseconds since 1970. */
function ntpToUs(ntp: bigint): number {
  const seconds = Number(ntp >> 32n) - ntpToUnixSeconds;
  return seconds * 1_000_000 + Math.round((Number(ntp & 0xffff_ffffn) * 1_000_000) / 2 ** 32);
}
