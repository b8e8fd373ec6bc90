import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import type { Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { startChild } from "../../src/lib/child.ts";
import { ffmpegArguments } from "../../src/lib/ffmpeg.ts";

export interface RtspCameraOptions {
  readonly user: string;
  readonly password: string;
  /** Tells the parameter sets in the SDP too, as most cameras do; they are in the stream either way. */
  readonly parameterSetsInSdp: boolean;
  readonly codec?: "libx264" | "libx265";
}

/** An RTSP camera on loopback (RFC 2326): digest login, one picture that ffmpeg encodes, over TCP or UDP. */
export interface RtspCamera extends AsyncDisposable {
  readonly port: number;
  /** Goes silent with its connections open. */
  silence(): void;
  /** Closes all connections. */
  hangUp(): void;
}

interface Viewer {
  readonly socket: Socket;
  playing: boolean;
  sendRtp: (packet: Buffer, channel: number) => void;
}

export async function startRtspCamera(options: RtspCameraOptions): Promise<RtspCamera> {
  const encoder = new AbortController();
  const picture = createSocket("udp4").bind(0, "127.0.0.1");
  await once(picture, "listening");
  const child = await startChild(
    "ffmpeg",
    encoderArguments(picture.address().port, options),
    encoder.signal,
    {
      purpose: "encoding the test camera's picture",
    },
  );
  const [sdp] = (await once(child.stdout, "data")) as [Buffer];
  const description = describe(sdp.toString(), options);
  const viewers = new Set<Viewer>();
  let silent = false;
  picture.on("message", (packet) => {
    const isRtcp = (packet[1] ?? 0) >= 200 && (packet[1] ?? 0) <= 204;
    if (!silent) for (const viewer of viewers) if (viewer.playing) viewer.sendRtp(packet, isRtcp ? 1 : 0);
  });
  const udp = createSocket("udp4").bind(0, "127.0.0.1");
  await once(udp, "listening");
  const server = createServer((socket) => {
    const viewer: Viewer = { socket, playing: false, sendRtp: () => {} };
    viewers.add(viewer);
    socket.on("error", () => {});
    socket.on("close", () => viewers.delete(viewer));
    socket.on("data", (data) => {
      if (data[0] === 0x24) return; // the viewer's RTCP
      for (const request of data.toString("latin1").split("\r\n\r\n")) {
        if (/^[A-Z_]+ rtsp/.test(request)) socket.write(answer(request, viewer, udp, description, options));
      }
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const hangUp = (): void => viewers.forEach(({ socket }) => socket.destroy());
  return {
    port: (server.address() as AddressInfo).port,
    silence: () => (silent = true),
    hangUp,
    async [Symbol.asyncDispose]() {
      hangUp();
      server.close();
      udp.close();
      await child[Symbol.asyncDispose]();
      picture.close();
    },
  };
}

function encoderArguments(port: number, { codec = "libx264" }: RtspCameraOptions): readonly string[] {
  return ffmpegArguments((command) =>
    command
      .input("testsrc2=size=320x180:rate=30")
      .inputOptions("-re", "-f", "lavfi")
      .output(`rtp://127.0.0.1:${port}?rtcpport=${port}&pkt_size=1200`)
      .outputOptions(
        "-c:v",
        codec,
        "-preset",
        "ultrafast",
        "-tune",
        "zerolatency",
        "-g",
        "15",
        "-threads",
        "1",
      )
      .outputOptions("-f", "rtp"),
  );
}

/** The session description of ffmpeg's RTP output as an RTSP server gives it. */
function describe(sdp: string, { parameterSetsInSdp }: RtspCameraOptions): string {
  const lines = sdp.split(/\r?\n/).filter((line) => /^([vost]|a=(rtpmap|fmtp))/.test(line));
  const text = lines
    .join("\r\n")
    .replace(/; sprop-parameter-sets=[^;\r]*/, (sets) => (parameterSetsInSdp ? sets : ""));
  return (
    text.replace("a=rtpmap", "m=video 0 RTP/AVP 96\r\nc=IN IP4 127.0.0.1\r\na=control:video\r\na=rtpmap") +
    "\r\n"
  );
}

const challenge = { realm: "camera", nonce: "5f0c2a" };

function answer(
  request: string,
  viewer: Viewer,
  udp: UdpSocket,
  description: string,
  options: RtspCameraOptions,
): string {
  const header = (name: string): string =>
    new RegExp(`^${name}: *(.*)$`, "im").exec(request)?.[1]?.trim() ?? "";
  const reply = (status: string, ...lines: string[]): string =>
    [`RTSP/1.0 ${status}`, `CSeq: ${header("CSeq")}`, ...lines, "", ""].join("\r\n");
  const method = request.slice(0, request.indexOf(" "));
  if (method === "OPTIONS") return reply("200 OK", "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN");
  if (!isAuthorized(method, header("Authorization"), options)) {
    return reply(
      "401 Unauthorized",
      `WWW-Authenticate: Digest realm="${challenge.realm}", nonce="${challenge.nonce}"`,
    );
  }
  switch (method) {
    case "DESCRIBE":
      return (
        reply("200 OK", "Content-Type: application/sdp", `Content-Length: ${description.length}`) +
        description
      );
    case "SETUP": {
      const transport = header("Transport");
      const clientPort = Number(/client_port=(\d+)/.exec(transport)?.[1]);
      if (transport.includes("TCP")) {
        viewer.sendRtp = (packet, channel) => {
          const frame = Buffer.from([0x24, channel, packet.length >> 8, packet.length & 0xff]);
          viewer.socket.write(Buffer.concat([frame, packet]));
        };
        return reply("200 OK", "Session: 1", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1");
      }
      viewer.sendRtp = (packet, channel) => udp.send(packet, clientPort + channel, "127.0.0.1");
      const serverPort = udp.address().port;
      const ports = `client_port=${clientPort}-${clientPort + 1};server_port=${serverPort}-${serverPort}`;
      return reply("200 OK", "Session: 1", `Transport: RTP/AVP;unicast;source=127.0.0.1;${ports}`);
    }
    case "PLAY":
      viewer.playing = true;
      return reply("200 OK", "Session: 1", "Range: npt=0.000-");
    default:
      return reply("200 OK");
  }
}

/** Digest login of RFC 2069, as RFC 2326 demands it. */
function isAuthorized(method: string, authorization: string, { user, password }: RtspCameraOptions): boolean {
  const field = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(authorization)?.[1] ?? "";
  const md5 = (text: string): string => createHash("md5").update(text).digest("hex");
  const secret = md5(`${user}:${challenge.realm}:${password}`);
  return field("response") === md5(`${secret}:${challenge.nonce}:${md5(`${method}:${field("uri")}`)}`);
}
