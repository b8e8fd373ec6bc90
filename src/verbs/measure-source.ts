import type { Config } from "../config/config.ts";
import { Fault } from "../domain/fault.ts";
import type { Report } from "../domain/status.ts";
import type { Mask } from "../lib/log.ts";
import { childSignal } from "../lib/signals.ts";
import { StreamMeter } from "../media/measurement.ts";
import type { Measurement } from "../media/measurement.ts";
import { createSource } from "../parts.ts";

/** The camera must give its first picture within this time. */
const connectSeconds = 30;

/**
 * Measures what the configured source sends, for so many seconds from its first picture on, without publishing anything.
 * Throws `source-stalled` where no picture comes, besides what the source throws.
 */
export async function measureSource(
  config: Config,
  seconds: number,
  { report, mask }: { readonly report: Report; readonly mask: Mask },
  signal: AbortSignal,
): Promise<Measurement> {
  const source = createSource(config, report, mask);
  const meter = new StreamMeter();
  using scope = childSignal(signal);
  let timer = setTimeout(scope.abort, connectSeconds * 1000);
  let begun = false;
  try {
    await source.run((unit) => {
      if (unit.kind !== "video") return;
      if (!begun) {
        begun = true;
        clearTimeout(timer);
        timer = setTimeout(scope.abort, seconds * 1000);
      }
      meter.add(unit);
    }, scope.signal);
  } finally {
    clearTimeout(timer);
  }
  const measurement = meter.read();
  if (measurement.pictures > 0) return measurement;
  throw new Fault("source-stalled", `The source gave no picture within ${connectSeconds} s.`);
}
