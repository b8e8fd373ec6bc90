import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { RTCPeerConnection, RTCRtpCodecParameters } from "werift";
import type { RtpPacket as LibraryPacket } from "werift";
import { Secret } from "../../src/domain/secret.ts";
import { createSpotSource } from "../../src/camera/spot/source.ts";
import { RobotClient } from "../../src/camera/spot/rpc.ts";
import { fetchOffer, postAnswer } from "../../src/camera/spot/signalling.ts";
import { TokenKeeper } from "../../src/camera/spot/token.ts";
import { resolveTrust } from "../../src/camera/spot/trust.ts";
import { takeMedia, wantedReceiveBufferBytes } from "../../src/camera/spot/webrtc-hook.ts";
import type { VideoUnit } from "../../src/domain/media.ts";
import { SrtpReceiver } from "../../src/media/srtp.ts";
import { startRobotProcess } from "../helpers/appliance.ts";
import type { RunningRobot } from "../helpers/appliance.ts";

const small = { width: 640, height: 360, bitrate: 2_000_000, idrInterval: 15 };

interface Seen {
  readonly sequence: number;
  readonly timestamp: number;
  readonly marker: boolean;
  readonly payloadType: number;
  readonly payload: string;
}

async function openSignalling({ up }: RunningRobot) {
  const signal = new AbortController().signal;
  const { address } = up;
  const robot = { host: address.host, port: address.grpcPort };
  const trust = await resolveTrust(
    { kind: "fingerprint", sha256: address.grpcFingerprint256 },
    robot,
    signal,
  );
  using client = new RobotClient(robot, trust);
  const login = { kind: "password", username: up.username, password: new Secret(up.password) } as const;
  const token = await new TokenKeeper(login, () => {}).get(client, signal);
  const camera = { host: address.host, port: address.cameraPort };
  const cameraTrust = { kind: "fingerprint", sha256: address.cameraFingerprint256 } as const;
  return { token, camera: { ...camera, trust: await resolveTrust(cameraTrust, camera, signal) }, signal };
}

describe("the receive path", () => {
  it("reads from the same datagrams exactly what the library's own path reads", async () => {
    await using robot = await startRobotProcess(small);
    const { token, camera, signal } = await openSignalling(robot);
    const connection = new RTCPeerConnection({
      iceUseIpv4: false,
      iceUseIpv6: false,
      iceAdditionalHostAddresses: ["127.0.0.1"],
      codecs: {
        video: [new RTCRtpCodecParameters({ mimeType: "video/H264", clockRate: 90_000 })],
        audio: [new RTCRtpCodecParameters({ mimeType: "audio/OPUS", clockRate: 48_000, channels: 2 })],
      },
    });
    const offer = await fetchOffer(camera, token, signal);
    const theirs: Seen[] = [];
    connection.onTrack.subscribe((track) => {
      track.onReceiveRtp.subscribe((packet: LibraryPacket) => {
        const { sequenceNumber, timestamp, marker, payloadType } = packet.header;
        const payload = packet.payload.toString("hex");
        theirs.push({ sequence: sequenceNumber, timestamp, marker, payloadType, payload });
      });
    });
    await connection.setRemoteDescription({ type: "offer", sdp: offer.sdp });
    for (const transceiver of connection.getTransceivers()) transceiver.setDirection("recvonly");
    await connection.setLocalDescription(await connection.createAnswer());
    const transport = connection.dtlsTransports[0];
    if (transport === undefined) throw new Error("no transport");

    const protocols = Reflect.get(transport.iceTransport.connection, "protocols") as {
      transport: { onData: (data: Buffer, address: [string, number]) => void };
    }[];
    const handOn = protocols[0]?.transport.onData;
    const datagrams: Buffer[] = [];
    const tap = takeMedia(transport, (datagram) => {
      datagrams.push(Buffer.from(datagram));
      handOn?.(datagram, ["127.0.0.1", 0]);
    });
    expect(tap.receiveBufferBytes).toBeGreaterThan(0);
    await postAnswer(camera, token, { id: offer.id, sdp: connection.localDescription?.sdp ?? "" }, signal);
    await tap.connected;
    while (theirs.length < 1500) await new Promise((resolve) => setTimeout(resolve, 20));
    await connection.close();

    const { profile, session } = tap.keys;
    const ours = new SrtpReceiver(profile, session);
    const read = datagrams.flatMap((datagram): Seen[] => {
      const packet = ours.unprotect(datagram);
      if (typeof packet === "string") return [];
      const { index, timestamp, marker, payloadType, data, payloadStart, payloadEnd } = packet;
      const payload = data.subarray(payloadStart, payloadEnd).toString("hex");
      return [{ sequence: index % 65_536, timestamp, marker, payloadType, payload }];
    });
    const bySequence = (a: Seen, b: Seen): number => a.payloadType - b.payloadType || a.sequence - b.sequence;
    const known = new Set(theirs.map(({ payloadType, sequence }) => `${payloadType}/${sequence}`));
    const same = read.filter(({ payloadType, sequence }) => known.has(`${payloadType}/${sequence}`));
    expect(same.toSorted(bySequence)).toEqual(theirs.toSorted(bySequence));
  });

  it("gives each socket at least 4 MiB to receive in, or says with which sysctl it would", async () => {
    await using robot = await startRobotProcess(small);
    const { address, username, password } = robot.up;
    const controller = new AbortController();
    const notices: string[] = [];
    const units: VideoUnit[] = [];
    const source = createSpotSource({
      robot: {
        host: address.host,
        port: address.grpcPort,
        trust: { kind: "fingerprint", sha256: address.grpcFingerprint256 },
      },
      camera: {
        host: address.host,
        port: address.cameraPort,
        trust: { kind: "fingerprint", sha256: address.cameraFingerprint256 },
      },
      tokens: new TokenKeeper({ kind: "password", username, password: new Secret(password) }, () => {}),
      onLoss: "freeze",
      audio: false,
      stallMs: 10_000,
      report: (event) => {
        if (event.type === "notice") notices.push(event.text);
      },
    });
    await source.run((unit) => {
      if (unit.kind === "video") units.push(unit);
      if (units.length === 30) controller.abort();
    }, controller.signal);
    const limit = Number(readFileSync("/proc/sys/net/core/rmem_max", "utf8"));
    const advice = notices.filter((text) => text.includes("sysctl -w net.core.rmem_max"));
    expect(advice).toHaveLength(limit >= wantedReceiveBufferBytes ? 0 : 1);
    expect(units.every(({ packets }) => packets.length > 0)).toBe(true);
  });
});
