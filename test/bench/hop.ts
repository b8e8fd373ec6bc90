/**
 * The UDP hop of the benchmark: spotlive's own camera receive path, but every packet is sent on over loopback UDP to
 * the ffmpeg that publishes. Reads one JSON line from standard input: address, username, password, udpPort.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { createSpotSource } from "../../src/camera/spot/source.ts";
import { TokenKeeper } from "../../src/camera/spot/token.ts";
import { Secret } from "../../src/domain/secret.ts";
import type { RobotAddress } from "../../src/simulator/robot.ts";

interface HopSettings {
  readonly address: RobotAddress;
  readonly username: string;
  readonly password: string;
  readonly udpPort: number;
}

const lines = createInterface({ input: process.stdin });
const [line] = (await once(lines, "line")) as [string];
const { address, username, password, udpPort } = JSON.parse(line) as HopSettings;
const life = new AbortController();
for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => life.abort());
lines.once("close", () => life.abort());

const socket = createSocket("udp4");
socket.connect(udpPort, "127.0.0.1");
await once(socket, "connect");
socket.on("error", () => {}); // refused while ffmpeg is not there yet
let begun = false;

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
  report: () => {},
});
await source.run((unit) => {
  if (unit.kind !== "video") return;
  begun ||= unit.keyframe;
  if (begun) for (const packet of unit.packets) socket.send(packet);
}, life.signal);
socket.close();
lines.close();
