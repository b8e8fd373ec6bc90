import type { Root } from "../../boards/root.ts";
import type { RunProgram } from "../../boards/run-program.ts";
import type { Config, OutputConfig } from "../../config/config.ts";
import { parseRtmpUrl } from "../../outputs/server-socket.ts";
import type { ServerAddress } from "../../outputs/server-socket.ts";
import { serverOf } from "../../outputs/whip-exchange.ts";
import { parseWhipUrl } from "../../outputs/whip-session.ts";

/** What every check may look at. */
export interface DoctorContext {
  readonly root: Root;
  /** Absent where it is wrong or was not found: `problem` then says why. */
  readonly config: Config | undefined;
  readonly problem: string | undefined;
  /** The configuration file, where one was named or found. */
  readonly configPath: string | undefined;
  readonly stateDirectory: string;
  /** Programs of this machine; only asked where `root` is this machine. */
  readonly run: RunProgram;
  /** Why GStreamer cannot be used here, with the remedy; undefined when it can. */
  readonly whyNoGstreamer: (signal: AbortSignal) => Promise<string | undefined>;
}

/** The robot or camera, by its address on the network. */
export interface Peer {
  readonly id: "robot" | "camera";
  readonly host: string;
  readonly port: number;
}

const rtspPort = 554;

/** What the configured source is reached at; nothing for a file. */
export function peersOf(config: Config | undefined): readonly Peer[] {
  const source = config?.source;
  switch (source?.kind) {
    case "spot": {
      const { host, port, cameraHost, cameraPort } = source;
      return [
        { id: "robot", host, port },
        { id: "camera", host: cameraHost, port: cameraPort },
      ];
    }
    case "rtsp": {
      // The address may hold a password: only host and port leave here.
      const url = source.url.reveal();
      if (!URL.canParse(url)) return [];
      const { hostname, port } = new URL(url);
      return [{ id: "camera", host: bareHost(hostname), port: port === "" ? rtspPort : Number(port) }];
    }
    case "file":
    case undefined:
      return [];
  }
}

/** The address that an output publishes to, without its key; undefined for Twitch, which is asked. */
export function addressOf(output: OutputConfig): string | undefined {
  if (output.kind !== "twitch") return output.url;
  return output.ingest === "auto" ? undefined : output.ingest.replace(/\/\{stream_key\}$/, "");
}

/** Where its address leads. */
export function serverFor(output: OutputConfig): ServerAddress | undefined {
  const url = addressOf(output);
  if (url === undefined) return undefined;
  return output.kind === "whip" ? serverOf(parseWhipUrl(url)) : parseRtmpUrl(url);
}

export const bareHost = (host: string): string => host.replace(/^\[|\]$/g, "");
