import {
  GenericNack,
  PictureLossIndication,
  RTCPeerConnection,
  RtcpPayloadSpecificFeedback,
  RtcpTransportLayerFeedback,
  useNACK,
  useOPUS,
  usePLI,
  useH264,
} from "werift";
import type { RTCDtlsTransport, RTCRtpSender, RtcpPacket } from "werift";
import type { EncodedPicture } from "./encoder.ts";
import { FaultyNetwork } from "./network.ts";
import type { NetworkFaults } from "./network.ts";
import type { RobotOptions } from "./options.ts";
import { Pacer } from "./pacer.ts";
import { RtpSender } from "./rtp-sender.ts";

/** One picture at its time; `restart` marks the first one after the camera was switched off and on. */
export interface Frame {
  readonly number: number;
  readonly seconds: number;
  readonly picture: EncodedPicture;
  readonly restart: boolean;
}

export interface ViewerHooks {
  onPli(): void;
  /** `packets`: how many were asked for. */
  onNack(packets: number): void;
  /** The connection is there, media flows from the next frame on. */
  onConnected(): void;
}

export interface ViewerCounters {
  readonly packets: number;
  readonly lost: number;
}

/** One peer connection. The robot makes the offer, with all candidates in it, and sends. */
export interface Viewer {
  readonly offer: string;
  readonly connected: boolean;
  /** Resolves when the connection is over, whoever ended it. */
  readonly ended: Promise<void>;
  readonly counters: ViewerCounters;
  faults: NetworkFaults;
  /** Takes the answer. Rejects with the library's error when it is none. */
  accept(answer: string): Promise<void>;
  sendPicture(frame: Frame): void;
  sendSound(packet: Uint8Array, seconds: number): void;
  /** Sends the sender reports; `seconds` is the media time now. */
  sendReports(seconds: number, unixSeconds: number): void;
  close(): Promise<void>;
}

/** Hexadecimal profile, constraints and level, as the SDP wants them. */
function profileLevelId(options: RobotOptions): string {
  const profile = { "constrained-baseline": "42e0", main: "4d00", high: "6400" }[options.profile];
  const blocksPerSecond = Math.ceil(options.width / 16) * Math.ceil(options.height / 16) * options.fps;
  const level = blocksPerSecond <= 108_000 ? "1f" : blocksPerSecond <= 245_760 ? "28" : "33";
  return profile + level;
}

/** Makes a peer connection that knows only the robot's address, and its offer. */
export async function createViewer(options: RobotOptions, seed: number, hooks: ViewerHooks): Promise<Viewer> {
  const peer = new RTCPeerConnection({
    iceServers: [],
    iceUseIpv4: false,
    iceUseIpv6: false,
    iceAdditionalHostAddresses: [options.host],
    iceInterfaceAddresses: { udp4: options.host },
    bundlePolicy: "max-bundle",
    codecs: {
      video: [
        useH264({
          payloadType: options.videoPayloadType,
          rtcpFeedback: [useNACK(), usePLI()],
          parameters: `level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=${profileLevelId(options)}`,
        }),
      ],
      audio: [useOPUS({ payloadType: options.videoPayloadType === 111 ? 110 : 111 })],
    },
  });
  const video = peer.addTransceiver("video", { direction: "sendonly" });
  const audio = peer.addTransceiver("audio", { direction: "sendrecv" });
  const dtls = (): RTCDtlsTransport | undefined => video.sender.dtlsTransport;
  let packets = 0;
  const network = new FaultyNetwork(options, seed, (packet) => {
    const transport = dtls();
    if (transport?.state !== "connected") return;
    packets += 1;
    transport.iceTransport.connection.send(packet).catch(() => {}); // as lost as on any other network
  });
  const startSender = (sender: RTCRtpSender, clockRate: number, payloadType: number): RtpSender => {
    const isVideo = sender === video.sender;
    const rtp = new RtpSender({
      clockRate,
      payloadType,
      startSequence: isVideo ? options.startSequence : undefined,
      startTimestamp: isVideo ? options.startTimestamp : undefined,
      encrypt: (payload, header) => dtls()?.srtp.encrypt(payload, header) ?? Buffer.alloc(0),
      send: (packet) => network.send(packet),
    });
    Object.assign(sender, { ssrc: rtp.ssrc }); // what the offer announces
    return rtp;
  };
  const videoRtp = startSender(video.sender, 90_000, options.videoPayloadType);
  const audioRtp = startSender(audio.sender, 48_000, options.videoPayloadType === 111 ? 110 : 111);
  const pacer = new Pacer();
  let connected = false;
  let closed = false;
  const ended = Promise.withResolvers<void>();
  let sentSets: Uint8Array | undefined;
  let soundRuns = false;

  const onRtcp = (packet: RtcpPacket): void => {
    if (packet instanceof RtcpTransportLayerFeedback && packet.feedback instanceof GenericNack) {
      hooks.onNack(packet.feedback.lost.length);
      const asked = [videoRtp, audioRtp].find((rtp) => rtp.ssrc === packet.feedback.mediaSourceSsrc);
      asked?.sendAgain(packet.feedback.lost);
    } else if (
      packet instanceof RtcpPayloadSpecificFeedback &&
      packet.feedback instanceof PictureLossIndication
    ) {
      hooks.onPli();
    }
  };
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    connected = false;
    pacer.close();
    network.close();
    ended.resolve();
    await peer.close();
  };
  peer.connectionStateChange.subscribe((state) => {
    if (state === "connected" && !closed && !connected) {
      connected = true;
      dtls()?.onRtcp.subscribe(onRtcp);
      hooks.onConnected();
    } else if (state === "failed" || state === "closed") void close();
  });
  const description = await peer.createOffer();
  // Without a STUN server werift asks Google's.
  for (const { connection } of peer.iceTransports) delete connection.stunServer;
  await peer.setLocalDescription(description);
  const offer = peer.localDescription?.sdp ?? "";
  const [, cname = ""] = /a=ssrc:\d+ cname:(\S+)/.exec(offer) ?? [];
  return {
    offer,
    ended: ended.promise,
    get connected() {
      return connected;
    },
    get counters() {
      return { packets, lost: network.lost };
    },
    get faults() {
      return network.faults;
    },
    set faults(faults) {
      network.faults = faults;
    },
    accept: (answer) => peer.setRemoteDescription({ type: "answer", sdp: answer }),
    sendPicture({ picture, seconds, restart }) {
      if (!connected) return;
      if (restart) {
        videoRtp.restart();
        audioRtp.restart();
        sentSets = undefined;
        soundRuns = false;
      }
      const timestamp = videoRtp.timestampAt(seconds);
      const payloads = [...picture.payloads];
      const always = options.parameterSets === "always" && picture.entry;
      if (always || (picture.keyframe && sentSets !== picture.parameterSets)) {
        payloads.unshift(picture.parameterSets);
        sentSets = picture.parameterSets;
      }
      const last = payloads.length - 1;
      const spreadMs = options.arrival === "spread" ? 950 / options.fps : 0;
      pacer.send(payloads.length, spreadMs, (index) => {
        const payload = payloads[index];
        if (payload !== undefined && connected) videoRtp.send(payload, index === last, timestamp);
      });
    },
    sendSound(packet, seconds) {
      const direction = audio.currentDirection;
      if (!connected || (direction !== "sendrecv" && direction !== "sendonly")) return;
      audioRtp.send(packet, !soundRuns, audioRtp.timestampAt(seconds));
      soundRuns = true;
    },
    sendReports(seconds, unixSeconds) {
      const transport = dtls();
      if (!connected || transport === undefined) return;
      const senders = soundRuns ? [videoRtp, audioRtp] : [videoRtp];
      for (const rtp of senders) {
        transport.sendRtcp([...rtp.report(seconds, unixSeconds, cname)]).catch(() => {});
      }
    },
    close,
  };
}
