import type { BootMarkName, BootMarks } from "./boot.ts";
import type { CameraState } from "./camera.ts";
import type { FaultSummary } from "./fault.ts";
import type { Health, HealthItem } from "./health.ts";
import type { Verdict } from "./verdict.ts";

/** `silent`: a track of silence; `camera`: the camera's microphones; `none`: no track. */
export type AudioChoice = "silent" | "camera" | "none";

/** What is set about the line now. */
export interface LineSettings {
  /** Names of the outputs that are published to. */
  readonly destinations: readonly string[];
  /** Most bits per second asked of the camera; null: no cap. */
  readonly bitrateCap: number | null;
  readonly audio: AudioChoice;
}

/**
 * What the whole line is doing. `live` means that at least one destination takes pictures now; `holding` that it takes
 * the last picture again and again, because the camera is away.
 */
export type Phase = "idle" | "starting" | "live" | "holding" | "retrying" | "stopping";

/** How the picture comes to the outputs: as the camera made it, or decoded and encoded anew. */
export type Path = "copy" | "transcode";

/** The bit rate that is asked of the encoder, and why. */
export interface RateStatus {
  /** Bits per second. */
  readonly target: number;
  /** Most that is asked for, by configuration, cap and destinations. */
  readonly ceiling: number;
  readonly reason: string;
}

/** What one output's way to its server looks like. */
export interface UplinkStatus {
  /** Milliseconds that a picture waits on this side: own queue, socket and kernel. The longest since the last report. */
  readonly delayMs: number;
  /** Milliseconds to the server and back, as measured when the connection began. */
  readonly roundTripMs: number;
  /** Bits per second that it carried when it was last busy. */
  readonly capacity?: number;
}

/** What one source or one output is doing. `failed` is final until the next start. */
export type LinkState = "idle" | "connecting" | "running" | "waiting" | "failed";

/** What a source has counted since the session began; every loss is a number here. */
export interface SourceCounters {
  readonly units: number;
  readonly keyframes: number;
  readonly bytes: number;
  readonly packets: number;
  /** Packets that never came, after all requests for them. */
  readonly lostPackets: number;
  /** Packets that came after they had been asked for again. */
  readonly recoveredPackets: number;
  /** Packets that were no use: duplicate, too late, not authentic or not parseable. */
  readonly discardedPackets: number;
  /** Pictures that were not handed on because they or their reference were damaged. */
  readonly droppedUnits: number;
  /** Times at which the camera began a new stream (new SSRC or a jump of its clock). */
  readonly restarts: number;
  readonly keyframeRequests: number;
}

/** What an output has counted since the session began. */
export interface OutputCounters {
  /** Pictures handed to the network. */
  readonly units: number;
  readonly bytes: number;
  /** Bytes accepted by the output that the kernel has not taken yet. */
  readonly unsentBytes: number;
  /** What the server has acknowledged; undefined when it never acknowledged anything. */
  readonly acknowledgedBytes: number | undefined;
  /** Last packet of a picture received to picture handed to the socket, microseconds, over the last pictures. */
  readonly latencyUs: { readonly p50: number; readonly p99: number };
}

/** What waits in front of one output, and what was dropped there because the uplink could not carry it. */
export interface QueueCounters {
  readonly units: number;
  readonly bytes: number;
  /** Media time from the oldest to the newest waiting unit, milliseconds. */
  readonly milliseconds: number;
  /** Pictures dropped since the session began. */
  readonly droppedUnits: number;
}

export type StatusEvent =
  | { readonly type: "phase"; readonly phase: Phase; readonly reason: string }
  | {
      readonly type: "source";
      readonly name: string;
      readonly state: LinkState;
      readonly fault?: FaultSummary;
      readonly retryInMs?: number;
    }
  | { readonly type: "source-progress"; readonly name: string; readonly counters: SourceCounters }
  | {
      readonly type: "output";
      readonly name: string;
      readonly state: LinkState;
      readonly fault?: FaultSummary;
      readonly retryInMs?: number;
    }
  | { readonly type: "output-progress"; readonly name: string; readonly counters: OutputCounters }
  | { readonly type: "output-queue"; readonly name: string; readonly queue: QueueCounters }
  | { readonly type: "picture"; readonly width: number; readonly height: number; readonly profile: string }
  | { readonly type: "uplink"; readonly name: string; readonly uplink: UplinkStatus }
  | { readonly type: "verdict"; readonly verdict: Verdict }
  | { readonly type: "path"; readonly path: Path; readonly reason: string }
  /** The camera is away and its last picture goes out, or that is over. */
  | { readonly type: "hold"; readonly holding: boolean; readonly reason: string }
  | { readonly type: "rate"; readonly rate: RateStatus }
  | { readonly type: "settings"; readonly settings: LineSettings }
  | { readonly type: "lock"; readonly locked: boolean; readonly by: string }
  | { readonly type: "camera"; readonly camera: CameraState }
  /** Every few seconds; `changed`: whose level is another than was last known. */
  | { readonly type: "health"; readonly health: Health; readonly changed: readonly HealthItem[] }
  /** Reached for the first time since power-on; seconds since then. */
  | { readonly type: "boot-mark"; readonly name: BootMarkName; readonly seconds: number }
  | {
      readonly type: "notice";
      readonly part: string;
      readonly severity: "info" | "warning";
      readonly text: string;
    };

/** Listens to events until the signal aborts. */
export type Subscribe = (listener: Report, signal: AbortSignal) => void;

/** The one way in which anything inside tells the outside what happens. Never blocks, never throws. */
export type Report = (event: StatusEvent) => void;

/** Everything a person or a surface may ask about, at one moment. */
export interface Status {
  readonly phase: Phase;
  /** One plain sentence: why this phase. */
  readonly reason: string;
  readonly desired: "live" | "idle";
  /** True while the operator's kill switch keeps chat and MQTT from moving the camera. */
  readonly locked: boolean;
  readonly settings: LineSettings;
  /** Absent for a camera that cannot be controlled. */
  readonly camera?: CameraState;
  /** Seconds since this phase began. */
  readonly sinceSeconds: number;
  readonly source: LinkStatus & {
    readonly counters?: SourceCounters;
    readonly fps: number;
    readonly bitsPerSecond: number;
  };
  readonly picture?: { readonly width: number; readonly height: number; readonly profile: string };
  readonly path: Path;
  /** Absent until there was enough to judge. */
  readonly verdict?: Verdict;
  /** Absent where the bit rate cannot be set. */
  readonly rate?: RateStatus;
  readonly outputs: readonly (LinkStatus & {
    readonly counters?: OutputCounters;
    readonly queue?: QueueCounters;
    readonly uplink?: UplinkStatus;
  })[];
  /** Absent until the machine was looked at. */
  readonly health?: Health;
  /** What was reached when since power-on; absent where no device is looked after. */
  readonly boot?: BootMarks;
  /** The newest notices, newest last, at most 20. */
  readonly notices: readonly string[];
}

export interface LinkStatus {
  readonly name: string;
  readonly state: LinkState;
  readonly fault?: FaultSummary;
  readonly retryInMs?: number;
}
