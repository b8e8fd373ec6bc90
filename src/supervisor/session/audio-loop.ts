import { toFault } from "../../domain/fault.ts";
import type { AudioUnit } from "../../domain/media.ts";
import type { Report } from "../../domain/status.ts";
import { retry } from "../../lib/retry.ts";
import { sourceRetryPolicy } from "../retry-policy.ts";

/** Turns the camera's sound into what outputs take; a death of it costs the sound and nothing else. */
export interface AudioConverter {
  /** Never blocks and never throws; AAC is given on as it is. */
  push(unit: AudioUnit): void;
  /** Resolves when aborted; rejects with a `Fault` when it cannot go on. */
  run(signal: AbortSignal): Promise<void>;
}

/** Keeps the converter going until the abort; what goes wrong with it is told and disturbs nothing. Never rejects. */
export async function keepConverting(
  audio: AudioConverter,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  const tell = (text: string): void => report({ type: "notice", part: "audio", severity: "warning", text });
  await retry((attempt) => audio.run(attempt), sourceRetryPolicy, signal, {
    onWait: (fault) => tell(`${fault.message} The picture goes on without sound until it is back.`),
  }).catch((error: unknown) => tell(`${toFault(error).message} The picture goes on without sound.`));
}
