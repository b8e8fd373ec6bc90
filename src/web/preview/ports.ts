import type { Frame } from "./frame.ts";
import type { Candidate, Format, Latency, SourceState, Transport } from "./messages.ts";

/** What the picture's frame shows besides the picture. */
export interface View {
  /** `playing`: pictures come. `waiting`: none is to be expected. `trying`: they should come soon. */
  readonly state: "trying" | "playing" | "waiting" | "unsupported";
  readonly transport: Transport;
  readonly source: SourceState;
  /** One plain sentence where no picture is seen; else empty. */
  readonly text: string;
  /** Why the pictures come the second-best way; else empty. */
  readonly note: string;
}

export interface Socket {
  send(text: string): void;
  close(): void;
}

interface SocketEvents {
  onOpen(): void;
  onMessage(data: string | ArrayBuffer): void;
  /** The connection has ended, or never came about. Told once. */
  onClose(): void;
}

/** What a viewing needs of the browser. */
export interface Browser {
  openSocket(events: SocketEvents): Socket;
  /** Answers an offer with a new peer connection, in place of the one before. Gives the answer's SDP. */
  answer(
    offer: { readonly sdp: string; readonly iceServers: readonly unknown[]; readonly latency: Latency },
    events: { onCandidate(candidate: Candidate | null): void; onFailed(reason: string): void },
  ): Promise<string>;
  addCandidate(candidate: Candidate | null): void;
  closePeer(): void;
  /** Prepares a player for pictures of this format; gives why there is none in this browser. */
  prepare(format: Format, latency: Latency): string | undefined;
  play(frame: Frame): void;
  closePlayer(): void;
  /** Nobody looks: browsers draw nothing then. */
  isHidden(): boolean;
  /** Calls back after so many milliseconds, unless the function it gives is called before. */
  after(ms: number, callback: () => void): () => void;
  show(view: View): void;
}
