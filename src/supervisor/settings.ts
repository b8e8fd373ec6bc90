import type { StreamSettings } from "../domain/camera.ts";
import type { LineChange } from "../domain/command.ts";
import { Fault } from "../domain/fault.ts";
import type { LineSettings } from "../domain/status.ts";
import type { Line } from "./line.ts";

const cameraAnswerMs = 10_000;
/** Before the first pictures were counted. */
const assumedFps = 30;

/**
 * Gives the settings after a change and asks the camera for what only it can do. Rejects with `usage` for an output
 * that does not exist, with `not-supported` where the camera cannot, and with what reaching the camera can throw;
 * nothing is changed then.
 */
export async function changeSettings(
  change: LineChange,
  before: LineSettings,
  line: Line,
  measuredFps: number,
): Promise<LineSettings> {
  const unknown = change.destinations?.find((name) => !line.outputNames.includes(name));
  if (unknown !== undefined) {
    throw new Fault(
      "usage",
      `There is no output called "${unknown}": there are ${line.outputNames.join(", ")}.`,
    );
  }
  const fps = measuredFps > 0 ? measuredFps : assumedFps;
  await askCamera(line, {
    ...(typeof change.bitrateCap === "number" && { targetBitrate: change.bitrateCap }),
    ...(change.idrSeconds !== undefined && { idrInterval: Math.max(1, Math.round(change.idrSeconds * fps)) }),
  });
  return {
    destinations: change.destinations ?? before.destinations,
    bitrateCap: change.bitrateCap === undefined ? before.bitrateCap : change.bitrateCap,
    audio: change.audio ?? before.audio,
  };
}

async function askCamera(line: Line, settings: StreamSettings): Promise<void> {
  if (Object.keys(settings).length === 0) return;
  if (line.camera === undefined) {
    throw new Fault(
      "not-supported",
      `The source "${line.sourceName}" does not let its bit rate or IDR interval be set.`,
    );
  }
  await line.camera.setStream(settings, AbortSignal.timeout(cameraAnswerMs));
}
