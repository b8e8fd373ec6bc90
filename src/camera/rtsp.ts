import type { Writable } from "node:stream";
import { Fault } from "../domain/fault.ts";
import type { Source } from "../domain/media.ts";
import type { Secret } from "../domain/secret.ts";
import type { Report } from "../domain/status.ts";
import { ffmpegArguments } from "../lib/ffmpeg.ts";
import { FfmpegSource } from "./ffmpeg-source.ts";

export interface RtspSourceOptions {
  /** `rtsp://` or `rtsps://`, with user and password where the camera wants them; both percent-encoded. */
  readonly url: Secret;
  /** `tcp` loses nothing; `udp` is for cameras that cannot do otherwise. */
  readonly transport: "tcp" | "udp";
  readonly report: Report;
  /** Milliseconds without a picture after which the camera counts as dead; an RTSP camera may take some to begin. */
  readonly stallMs?: number;
}

/**
 * The picture of an RTSP camera, copied by ffmpeg; its sound is not asked for.
 * Faults: `config-invalid` (thrown here) for an address that is no RTSP URL; from `run` `login-refused`,
 * `source-unsupported`, `source-stalled`, `source-ended` and `connection-lost`.
 */
export function createRtspSource({ url, transport, report, stallMs = 10_000 }: RtspSourceOptions): Source {
  const address = url.reveal();
  checkAddress(address);
  if (new URL(address).protocol === "rtsps:") {
    const text =
      "ffmpeg does not check the certificate of an rtsps camera: the picture is encrypted, the camera's identity is not proven.";
    report({ type: "notice", part: "rtsp", severity: "warning", text });
  }
  const list = concatList(address, transport);
  const feed = async (stdin: Writable): Promise<void> => void stdin.end(list);
  const mask = maskAddress(address);
  return new FfmpegSource({
    name: "rtsp",
    purpose: "reading the RTSP camera",
    stallMs,
    report,
    prepare: async () => ({ argv: rtspArguments(), feed, mask }),
    explain: explainDeath,
  });
}

/**
 * A command line can be read by every user of the machine, so the address goes in over standard input, as the one
 * entry of a list for ffmpeg's concat demuxer. Guessing the frame rate is switched off: it would hold back the first
 * two seconds, and only for a figure that copying does not need.
 */
const rtspArguments = (): readonly string[] =>
  ffmpegArguments((command) =>
    command
      .input("pipe:0")
      .inputOptions("-fpsprobesize", "0", "-f", "concat", "-safe", "0")
      .inputOptions("-protocol_whitelist", "pipe,rtsp,rtp,srtp,tcp,udp,tls")
      .output("pipe:1")
      .outputOptions("-map", "0:v:0", "-c", "copy")
      .outputOptions("-flush_packets", "1", "-flvflags", "no_duration_filesize", "-f", "flv"),
  );

/** Receive buffer for UDP: an I-frame of a good picture is far larger than the kernel's default. */
const receiveBufferBytes = 4 * 1024 * 1024;

function concatList(address: string, transport: "tcp" | "udp"): string {
  const options = [
    `rtsp_transport ${transport}`,
    "allowed_media_types video",
    "fpsprobesize 0",
    ...(transport === "udp" ? [`buffer_size ${receiveBufferBytes}`] : []),
  ];
  const quoted = address.replaceAll("'", String.raw`'\''`);
  return ["ffconcat version 1.0", `file '${quoted}'`, ...options.map((line) => `option ${line}`), ""].join(
    "\n",
  );
}

function checkAddress(address: string): void {
  const valid =
    /^rtsps?:\/\/[\u0021-\u007e]+$/i.test(address) &&
    URL.canParse(address) &&
    new URL(address).hostname !== "";
  if (valid) return;
  const text =
    "The RTSP camera's address must look like rtsp://host/path or rtsp://user:password@host:554/path";
  throw new Fault("config-invalid", `${text}; percent-encode special characters in user and password.`);
}

/** ffmpeg quotes the address in its errors; neither that nor a password on its own may leave this file. */
function maskAddress(address: string): (line: string) => string {
  const { password } = new URL(address);
  const secrets = [address, password, decode(password)].filter((secret) => secret !== "");
  return (line) =>
    secrets
      .reduce((text, secret) => text.replaceAll(secret, "***"), line)
      .replaceAll(/rtsps?:\/\/[^\s'"]*/gi, "rtsp://***");
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function explainDeath(fault: Fault): Fault {
  if (/\b40[13] (Unauthorized|Forbidden)/.test(fault.message)) {
    const text = "The RTSP camera refused the login: check user and password in its address.";
    return new Fault("login-refused", text, { cause: fault });
  }
  return new Fault("connection-lost", `The connection to the RTSP camera failed: ${fault.message}`, {
    cause: fault,
  });
}
