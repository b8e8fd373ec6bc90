import type { Socket } from "node:dgram";
import { request } from "node:https";
import { Client, Metadata, credentials } from "@grpc/grpc-js";
import {
  PictureLossIndication,
  RTCPeerConnection,
  RtcpPayloadSpecificFeedback,
  useH264,
  useNACK,
  useOPUS,
  usePLI,
} from "werift";
import type { RTCRtpReceiver, RtcpPacket, RtpPacket } from "werift";
import { authService, fixedAuthorities } from "../../src/lib/spot-protocol.ts";
import type { UnaryMethod } from "../../src/lib/spot-protocol.ts";
import type { Sent } from "../../src/domain/spot/messages.ts";
import type { RobotAddress } from "../../src/simulator/robot.ts";

/** Calls one method as a robot's client does: TLS for the authority's name, and the authority itself in HTTP/2. */
export async function callRobot<Request, Response>(
  address: Pick<RobotAddress, "host" | "grpcPort" | "caPem">,
  authority: string,
  method: UnaryMethod<Request, Response>,
  message: Sent<Request>,
  token?: string,
): Promise<Response> {
  const client = new Client(
    `${address.host}:${address.grpcPort}`,
    credentials.createSsl(Buffer.from(address.caPem)),
    {
      "grpc.ssl_target_name_override": "auth.spot.robot",
      "grpc.default_authority": authority,
      "grpc.enable_retries": 0,
    },
  );
  const metadata = new Metadata();
  if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
  try {
    return await new Promise((resolve, reject) =>
      client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        message,
        metadata,
        { deadline: Date.now() + 10_000 },
        (error, value) => {
          if (error !== null) reject(error);
          else if (value !== undefined) resolve(value);
        },
      ),
    );
  } finally {
    client.close();
  }
}

/** Logs in with the simulator's own name and password and gives the token. */
export async function logIn(
  address: RobotAddress,
  username = "user",
  password = "spotlive-simulator",
): Promise<string> {
  const message = { header: { clientName: "test" }, username, password };
  const { token } = await callRobot(address, fixedAuthorities.auth, authService.GetAuthToken, message);
  return token;
}

export interface HttpsReply {
  readonly status: number;
  readonly body: string;
}

/** One request to the camera's HTTPS door; its certificate is the only one that is trusted. */
export function askCamera(
  address: RobotAddress,
  options: {
    readonly method?: string;
    readonly path?: string;
    readonly token?: string;
    readonly body?: string;
  },
): Promise<HttpsReply> {
  return new Promise((resolve, reject) => {
    const headers = options.token === undefined ? {} : { authorization: `Bearer ${options.token}` };
    const call = request(
      {
        host: address.host,
        port: address.cameraPort,
        method: options.method ?? "GET",
        path: options.path ?? "/h264.sdp",
        headers,
        ca: address.cameraCertificatePem,
        checkServerIdentity: () => undefined,
        agent: false,
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() }),
        );
        response.on("error", reject);
      },
    );
    call.on("error", reject);
    call.end(options.body);
  });
}

export interface RobotViewer extends AsyncDisposable {
  readonly offer: string;
  readonly packets: readonly RtpPacket[];
  readonly rtcp: readonly RtcpPacket[];
  /** Resolves as soon as `condition` holds; looked at after each packet. */
  until(condition: () => boolean, what: string, timeoutMs?: number): Promise<void>;
  askForKeyframe(): void;
}

/** Connects as a plain WebRTC client and keeps every packet that comes, of picture and sound. */
export async function viewRobot(
  address: RobotAddress,
  token: string,
  sound: "recvonly" | "inactive" = "recvonly",
): Promise<RobotViewer> {
  const { status, body } = await askCamera(address, { token });
  if (status !== 200) throw new Error(`GET /h264.sdp: ${status} ${body}`);
  const { id, sdp } = JSON.parse(body) as { id: string; sdp: string };
  const offer = Buffer.from(sdp, "base64").toString();
  const peer = new RTCPeerConnection({
    iceServers: [],
    iceUseIpv4: false,
    iceUseIpv6: false,
    iceAdditionalHostAddresses: ["127.0.0.1"],
    iceInterfaceAddresses: { udp4: "127.0.0.1" },
    codecs: { video: [useH264({ rtcpFeedback: [useNACK(), usePLI()] })], audio: [useOPUS()] },
  });
  const packets: RtpPacket[] = [];
  const rtcp: RtcpPacket[] = [];
  let receiver: RTCRtpReceiver | undefined;
  let wake: () => void = () => {};
  peer.onTransceiverAdded.subscribe((transceiver) => {
    transceiver.setDirection(transceiver.kind === "video" ? "recvonly" : sound);
    if (transceiver.kind === "video") receiver = transceiver.receiver;
  });
  await peer.setRemoteDescription({ type: "offer", sdp: offer });
  await peer.setLocalDescription(await peer.createAnswer());
  const transport = receiver?.dtlsTransport;
  enlargeReceiveBuffers(transport?.iceTransport.connection);
  transport?.onRtp.subscribe((packet) => {
    packets.push(packet);
    wake();
  });
  transport?.onRtcp.subscribe((packet) => rtcp.push(packet));
  const connected = new Promise<void>((resolve) =>
    peer.connectionStateChange.subscribe((state) => {
      if (state === "connected") resolve();
    }),
  );
  const answer = Buffer.from(peer.localDescription?.sdp ?? "").toString("base64");
  const posted = await askCamera(address, {
    method: "POST",
    token,
    body: JSON.stringify({ id, sdp: answer }),
  });
  if (posted.status !== 200) throw new Error(`POST /h264.sdp: ${posted.status} ${posted.body}`);
  await connected;
  return {
    offer,
    packets,
    rtcp,
    async until(condition, what, timeoutMs = 20_000) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`waited ${timeoutMs} ms for ${what}`)), timeoutMs);
        wake = () => {
          if (condition()) resolve();
        };
        wake();
      }).finally(() => {
        clearTimeout(timer);
        wake = () => {};
      });
    },
    askForKeyframe() {
      const mediaSsrc = packets.find(({ header }) => header.payloadType === 96)?.header.ssrc ?? 0;
      const feedback = new PictureLossIndication({ mediaSsrc, senderSsrc: 1 });
      void transport?.sendRtcp([new RtcpPayloadSpecificFeedback({ feedback })]);
    },
    [Symbol.asyncDispose]: () => peer.close(),
  };
}

/** A loaded machine reads late; without this the kernel would drop packets that the robot has sent. */
function enlargeReceiveBuffers(connection: unknown): void {
  const { protocols } = connection as { protocols: { transport: { socket: Socket } }[] };
  for (const { transport } of protocols) transport.socket.setRecvBufferSize(4 * 1024 * 1024);
}
