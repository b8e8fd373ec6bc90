import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { RTCPeerConnection, useH264, useNACK, usePLI } from "werift";
import type { RtpPacket } from "werift";
import { h264PayloadType } from "../../src/outputs/webrtc/rtp-stream.ts";
import { decodeFrameNumbers } from "./bar-code.ts";
import { annexB, depacketize, fromFirstIdr } from "./plain-depacketizer.ts";
import type { PlainPicture } from "./plain-depacketizer.ts";

export interface WhipRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly contentType: string | undefined;
}

export interface WhipServerOptions {
  /** Without one, everybody may publish. */
  readonly token?: string;
  /** Makes it speak HTTPS: key and certificate, PEM. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Answers a POST in another way; `true` when it has. */
  readonly instead?: (response: ServerResponse, request: WhipRequest) => boolean;
  /** Whether the network loses this packet; one that is sent again is not asked about. */
  readonly loses?: (sequence: number) => boolean;
}

/** A media server that takes WHIP, on this machine's loopback: werift receives. */
export interface WhipServer extends AsyncDisposable {
  readonly url: string;
  readonly origin: string;
  readonly requests: readonly WhipRequest[];
  readonly packets: readonly RtpPacket[];
  /** Offers in SDP, as they came. */
  readonly offers: readonly string[];
  /** Packets that were lost. */
  readonly lost: ReadonlySet<number>;
  readonly sessions: number;
  /** Whole pictures from the first keyframe on, in the order of their sequence numbers. */
  pictures(): readonly PlainPicture[];
  /** What ffmpeg makes of them. */
  judge(): ReturnType<typeof decodeFrameNumbers>;
  /** Is there no more, without a word to anybody. */
  vanish(): Promise<void>;
}

export async function startWhipServer(options: WhipServerOptions = {}): Promise<WhipServer> {
  const requests: WhipRequest[] = [];
  const packets: RtpPacket[] = [];
  const offers: string[] = [];
  const lost = new Set<number>();
  const peers = new Map<string, RTCPeerConnection>();
  let sessions = 0;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url: path = "", headers } = request;
    const { authorization, "content-type": contentType } = headers;
    const told = { method, path, authorization, contentType };
    requests.push(told);
    const body = await text(request);
    if (method === "POST" && options.instead?.(response, told) === true) return;
    if (options.token !== undefined && authorization !== `Bearer ${options.token}`) {
      response.writeHead(401).end(`no right for ${authorization}`);
      return;
    }
    if (method === "DELETE") {
      const peer = peers.get(path);
      peers.delete(path);
      response.writeHead(peer === undefined ? 404 : 200).end();
      await peer?.close();
      return;
    }
    offers.push(body);
    sessions += 1;
    const resource = `/session/${sessions}`;
    const peer = createReceiver();
    peers.set(resource, peer);
    await peer.setRemoteDescription({ type: "offer", sdp: body });
    for (const { connection } of peer.iceTransports) {
      delete connection.stunServer;
      lose(connection.onData);
    }
    await peer.setLocalDescription(await peer.createAnswer());
    response.writeHead(201, { "content-type": "application/sdp", location: resource });
    response.end(peer.localDescription?.sdp);
  }

  function createReceiver(): RTCPeerConnection {
    const feedback = { rtcpFeedback: [useNACK(), usePLI()] };
    const peer = new RTCPeerConnection({
      iceServers: [],
      iceUseIpv6: false,
      iceUseIpv4: false,
      iceAdditionalHostAddresses: ["127.0.0.1"],
      iceInterfaceAddresses: { udp4: "127.0.0.1" },
      codecs: { video: [useH264({ payloadType: h264PayloadType, ...feedback })] },
    });
    peer.onTrack.subscribe((track) => {
      track.onReceiveRtp.subscribe((packet) => void packets.push(packet));
    });
    return peer;
  }

  /** Lies between the network and the receiver, who asks for what is missing. */
  function lose(onData: { execute: (data: Buffer) => void }): void {
    const { loses } = options;
    if (loses === undefined) return;
    const execute = onData.execute.bind(onData);
    onData.execute = (data) => {
      const sequence = data.length > 12 ? data.readUInt16BE(2) : 0;
      const isVideo = ((data[1] ?? 0) & 0x7f) === h264PayloadType && (data[0] ?? 0) >= 128;
      if (!isVideo || lost.has(sequence) || !loses(sequence)) return execute(data);
      lost.add(sequence);
    };
  }

  const { tls } = options;
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    handle(request, response).catch((error: unknown) => response.destroy(error as Error));
  };
  const server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `${tls === undefined ? "http" : "https"}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const closeHttp = (): void => {
    server.close();
    server.closeAllConnections();
  };
  const pictures = (): readonly PlainPicture[] => fromFirstIdr(depacketize(packets, h264PayloadType));
  return {
    url: `${origin}/stream/whip`,
    ...{ origin, requests, packets, offers, lost, pictures },
    get sessions() {
      return sessions;
    },
    judge: () => decodeFrameNumbers(annexB(pictures())),
    async vanish() {
      closeHttp();
      for (const peer of peers.values())
        await Promise.all(peer.iceTransports.map(({ connection }) => connection.close()));
    },
    async [Symbol.asyncDispose]() {
      closeHttp();
      for (const peer of peers.values()) await peer.close();
    },
  };
}
