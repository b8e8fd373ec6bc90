import type { LineChange } from "../domain/command.ts";
import { Fault } from "../domain/fault.ts";
import type { LineSettings } from "../domain/status.ts";
import type { Line } from "./line.ts";

/**
 * Gives the settings after a change. Throws `usage` for an output that does not exist and `not-supported` where the
 * camera cannot; nothing is changed then.
 */
export function changeSettings(change: LineChange, before: LineSettings, line: Line): LineSettings {
  const unknown = change.destinations?.find((name) => !line.outputNames.includes(name));
  if (unknown !== undefined) {
    throw new Fault(
      "usage",
      `There is no output called "${unknown}": there are ${line.outputNames.join(", ")}.`,
    );
  }
  const asksCamera = typeof change.bitrateCap === "number" || change.idrSeconds !== undefined;
  if (asksCamera && line.camera === undefined) {
    throw new Fault(
      "not-supported",
      `The source "${line.sourceName}" does not let its bit rate or IDR interval be set.`,
    );
  }
  return {
    destinations: change.destinations ?? before.destinations,
    bitrateCap: change.bitrateCap === undefined ? before.bitrateCap : change.bitrateCap,
    audio: change.audio ?? before.audio,
  };
}
