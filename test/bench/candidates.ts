import { createSocket } from "node:dgram";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { readStatus } from "../../src/control/socket-client.ts";
import { startChild } from "../../src/lib/child.ts";
import type { Child } from "../../src/lib/child.ts";
import type { RobotAddress } from "../../src/simulator/robot.ts";
import manifest from "../../package.json" with { type: "json" };
import { logIn } from "../helpers/robot-client.ts";

export interface Latency {
  /** From the last packet of a picture to the end of its write, microseconds, over the newest 512 pictures. */
  readonly p50: number;
  readonly p99: number;
}

/** One way of doing the job, running. */
export interface Candidate extends AsyncDisposable {
  readonly name: string;
  readonly streamKeys: readonly string[];
  /** What its figure is the sum of. */
  readonly processes: Readonly<Record<string, number>>;
  /** Rejects when one of them dies. */
  readonly done: Promise<unknown>;
  latency?(): Promise<Latency | undefined>;
}

/** What every candidate is given. */
export interface Job {
  readonly robot: RobotAddress;
  readonly username: string;
  readonly password: string;
  /** `rtmp://host:port/app`. */
  readonly ingest: string;
  /** For configurations and sockets; removed by whoever made it. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

/** How spotlive is started, after package.json: `[NAME=value ...] node [--option ...] src/spotlive.mjs`. */
const words = manifest.scripts.spotlive.split(" ");
const environment = words.filter((word) => /^[A-Z_]+=/.test(word));
const nodeOptions = words.filter((word) => word.startsWith("--"));
const pathOf = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** The appliance as it is installed: `spotlive run` with a configuration file. */
export async function startSpotlive(job: Job, name: string, outputs: number): Promise<Candidate> {
  const { robot, username, password, directory } = job;
  const socketPath = join(directory, `${name}.sock`);
  const config = join(directory, `${name}.yaml`);
  const streamKeys = Array.from({ length: outputs }, (_, index) => `${name}-${index + 1}`);
  const settings = {
    spot: {
      host: robot.host,
      port: robot.grpcPort,
      cameraPort: robot.cameraPort,
      username,
      password,
      tls: { fingerprint: robot.grpcFingerprint256 },
      cameraTls: { fingerprint: robot.cameraFingerprint256 },
    },
    outputs: streamKeys.map((streamKey) => ({ name: streamKey, url: job.ingest, streamKey })),
    autostart: "always",
    clockWaitSeconds: 0,
    // No proof of an encoder while the line is measured.
    transcode: { allow: false },
    stateDirectory: join(directory, name),
    socketPath,
  };
  await writeFile(config, stringify(settings), { mode: 0o600 });
  const program = [pathOf("../../src/spotlive.mjs"), "run", "--config", config];
  const child = await startNode(program, job.signal);
  return {
    name,
    streamKeys,
    processes: { spotlive: child.pid },
    done: child.done,
    async latency() {
      const [output] = (await readStatus(socketPath)).outputs;
      return output?.counters?.latencyUs;
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

/** GStreamer's webrtcbin, negotiated by a small Python program. */
export async function startWebrtcbin(job: Job): Promise<Candidate> {
  const { robot, username, password, ingest } = job;
  const name = "webrtcbin";
  const token = await logIn(robot, username, password);
  // The system's own Python is the one that Debian's bindings are for.
  const child = await startQuietly("/usr/bin/python3", [pathOf("./webrtcbin.py")], job.signal);
  tell(child, {
    host: robot.host,
    port: robot.cameraPort,
    token,
    certificatePem: robot.cameraCertificatePem,
    location: `${ingest}/${name}`,
  });
  return { ...single(name, child), processes: { gstreamer: child.pid } };
}

/** The same receive path in Node, a UDP hop, and ffmpeg to publish. The ffmpeg alone is the floor: plain RTP, copied. */
export async function startHop(job: Job): Promise<Candidate> {
  const { robot, username, password, ingest, directory, signal } = job;
  const name = "hop";
  const udpPort = await freePortPair();
  const sdp = join(directory, "hop.sdp");
  await writeFile(sdp, describeSession(udpPort));
  const input = ["-protocol_whitelist", "file,udp,rtp", "-buffer_size", "4194304", "-i", sdp];
  const ffmpeg = await startQuietly(
    "ffmpeg",
    ["-nostdin", "-hide_banner", "-nostats", "-loglevel", "error"].concat(input, [
      ...["-c", "copy", "-f", "flv", "-flvflags", "no_duration_filesize", `${ingest}/${name}`],
    ]),
    signal,
  );
  const node = await startNode([fileURLToPath(import.meta.resolve("./hop.ts"))], signal);
  tell(node, { address: robot, username, password, udpPort });
  return {
    name,
    streamKeys: [name],
    processes: { node: node.pid, ffmpeg: ffmpeg.pid },
    done: Promise.all([node.done, ffmpeg.done]),
    async [Symbol.asyncDispose]() {
      await Promise.all([node[Symbol.asyncDispose](), ffmpeg[Symbol.asyncDispose]()]);
    },
  };
}

function single(name: string, child: Child): Omit<Candidate, "processes"> {
  return {
    name,
    streamKeys: [name],
    done: child.done,
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

/** `env` becomes the program it starts, so the child's number is Node's. */
function startNode(program: readonly string[], signal: AbortSignal): Promise<Child> {
  return startQuietly("env", [...environment, process.execPath, ...nodeOptions, ...program], signal);
}

async function startQuietly(program: string, argv: readonly string[], signal: AbortSignal): Promise<Child> {
  const child = await startChild(program, argv, signal, { purpose: "being measured" });
  child.stdout.resume();
  return child;
}

/** Secrets go in by standard input: a command line can be read by everybody. */
function tell(child: Child, settings: object): void {
  child.stdin.write(`${JSON.stringify(settings)}\n`);
}

/** RTP's even port and RTCP's next one, both free a moment ago. */
async function freePortPair(): Promise<number> {
  for (;;) {
    const port = await bindOnce(0);
    if (port % 2 === 0 && (await bindOnce(port + 1).catch(() => undefined)) !== undefined) return port;
  }
}

async function bindOnce(port: number): Promise<number> {
  const socket = createSocket("udp4");
  const listening = once(socket, "listening");
  socket.bind(port, "127.0.0.1");
  try {
    await listening;
    return socket.address().port;
  } finally {
    socket.close();
  }
}

function describeSession(port: number): string {
  const lines = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0"];
  const media = [`m=video ${port} RTP/AVP 96`, "a=rtpmap:96 H264/90000", "a=fmtp:96 packetization-mode=1"];
  return [...lines, ...media, ""].join("\r\n");
}
