/** The words of the preview's websocket. */

export type Latency = "live" | "smooth";
export type Transport = "webrtc" | "websocket";
export type SourceState = "running" | "away" | "idle";

/** What a browser tells about a way to reach it. */
export interface Candidate {
  readonly candidate: string;
  readonly sdpMid?: string | null;
  readonly sdpMLineIndex?: number | null;
}

/** The pictures that follow: a codec string as WebCodecs and MSE take it, and the size in pixels. */
export interface Format {
  readonly codec: string;
  readonly width: number;
  readonly height: number;
}

export type FromServer =
  | {
      readonly type: "offer";
      readonly id: number;
      readonly sdp: string;
      readonly iceServers: readonly unknown[];
    }
  | { readonly type: "candidate"; readonly id: number; readonly candidate: Candidate | null }
  | ({ readonly type: "format" } & Format)
  | { readonly type: "source"; readonly state: SourceState; readonly text: string }
  | { readonly type: "refused"; readonly code: string; readonly text: string };

export type ToServer =
  | { readonly type: "watch"; readonly latency: Latency; readonly transport: Transport }
  | { readonly type: "answer"; readonly id: number; readonly sdp: string }
  | { readonly type: "candidate"; readonly id: number; readonly candidate: Candidate | null }
  | { readonly type: "failed"; readonly id: number; readonly reason: string };

/** Reads one text message; undefined for what is not understood, which is passed over. Total. */
export function parseMessage(text: string): FromServer | undefined {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof message !== "object" || message === null) return undefined;
  const fields = message as Readonly<Record<string, unknown>>;
  const { type, id } = fields;
  switch (type) {
    case "offer":
      if (typeof id !== "number" || typeof fields["sdp"] !== "string") return undefined;
      return {
        ...{ type, id, sdp: fields["sdp"] },
        iceServers: Array.isArray(fields["iceServers"]) ? fields["iceServers"] : [],
      };
    case "candidate":
      if (typeof id !== "number") return undefined;
      return { type, id, candidate: parseCandidate(fields["candidate"]) };
    case "format": {
      const { codec, width, height } = fields;
      if (typeof codec !== "string" || typeof width !== "number" || typeof height !== "number")
        return undefined;
      return { type, codec, width, height };
    }
    case "source": {
      const { state } = fields;
      if (state !== "running" && state !== "away" && state !== "idle") return undefined;
      return { type, state, text: textOf(fields["text"]) };
    }
    case "refused":
      return { type, code: textOf(fields["code"]), text: textOf(fields["text"]) };
    default:
      return undefined;
  }
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

function parseCandidate(value: unknown): Candidate | null {
  if (typeof value !== "object" || value === null || !("candidate" in value)) return null;
  return typeof value.candidate === "string" ? (value as Candidate) : null;
}
