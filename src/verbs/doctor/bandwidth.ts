import { setTimeout as sleep } from "node:timers/promises";
import type { RunProgram } from "../../boards/run-program.ts";
import type { Config, OutputConfig } from "../../config/config.ts";
import { readStatus } from "../../control/socket-client.ts";
import { toFault } from "../../domain/fault.ts";
import type { Output, VideoUnit } from "../../domain/media.ts";
import { childSignal } from "../../lib/signals.ts";
import { UnitQueue } from "../../lib/queue.ts";
import { createOutput } from "../../parts.ts";
import { makeSteadyClip } from "./steady-clip.ts";
import { ok, unknown, warning, wrong } from "./check.ts";
import type { Check, Finding } from "./check.ts";
import type { DoctorContext } from "./context.ts";

/** What Twitch takes at most, bits per second. */
const mostRate = 6_000_000;
const seconds = 10;
const connectSeconds = 15;
const limitMs = 60_000;
const stepMs = 20;
/** Of what was asked for; the rest is the beginning of TCP. */
const enoughShare = 0.95;

/**
 * Publishes a test picture to one configured destination for ten seconds and says what arrived. Twitch is told
 * `?bandwidthtest=true` (https://dev.twitch.tv/docs/video-broadcast), by which nobody sees it; any other server shows
 * it, which is why the destination must be named.
 */
export function bandwidthCheck(config: Config, output: OutputConfig, context: DoctorContext): Check {
  const id = `bandwidth:${output.name}`;
  return { id, limitMs, run: (signal) => checkBandwidth(id, config, output, context, signal) };
}

async function checkBandwidth(
  id: string,
  config: Config,
  output: OutputConfig,
  { run }: DoctorContext,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  if (output.kind === "whip")
    return [unknown(id, "What arrives by WHIP is not measured.", "Measure at a destination of kind rtmp.")];
  const busy = await whyBusy(config.socketPath);
  if (busy !== undefined)
    return [unknown(id, busy, "spotlive stop; or look at the uplink's figures in spotlive status.")];
  try {
    const { rate, outcome } = await measureUplink(config, output, run, signal);
    return [judge(id, rate, config.adapt.floor, outcome)];
  } catch (error) {
    return [wrong(id, toFault(error).message, "Nothing can be published there.", "See the other findings.")];
  }
}

/** Publishes the test picture, at the rate that is asked of the camera. Rejects where nothing can be published. */
export async function measureUplink(
  config: Config,
  output: OutputConfig,
  run: RunProgram,
  signal: AbortSignal,
): Promise<{ readonly rate: number; readonly outcome: Outcome }> {
  const rate = Math.min(mostRate, (config.source.kind === "spot" && config.source.bitrate) || mostRate);
  const clip = await makeSteadyClip(rate, run);
  const asTest: OutputConfig = output.kind === "twitch" ? { ...output, bandwidthTest: true } : output;
  const settings = { destinations: [output.name], bitrateCap: null, audio: "silent" } as const;
  const outcome = await publish(
    createOutput(asTest, settings, config, () => {}),
    clip,
    signal,
  );
  return { rate, outcome };
}

/** Two publishers with one key end each other. Undefined where spotlive does not run, or is idle. */
async function whyBusy(socketPath: string): Promise<string | undefined> {
  try {
    const { phase } = await readStatus(socketPath);
    return phase === "idle" ? undefined : `spotlive is running (${phase}) and may be publishing there.`;
  } catch (error) {
    const { code, message } = toFault(error);
    return code === "not-running"
      ? undefined
      : `Whether spotlive is publishing there cannot be asked: ${message}`;
  }
}

export interface Outcome {
  /** Bits per second that arrived. */
  readonly carried: number;
  readonly dropped: number;
  /** Longest time that pictures waited here, milliseconds. */
  readonly waitedMs: number;
}

async function publish(output: Output, clip: readonly VideoUnit[], parent: AbortSignal): Promise<Outcome> {
  using scope = childSignal(parent);
  const { signal } = scope;
  const queue = new UnitQueue({ bytes: 8_388_608, milliseconds: 1200 });
  const ended = output.run(queue, signal);
  const died = ended.then(() => Promise.reject(new Error("It ended by itself.")));
  died.catch(() => {});
  try {
    return await Promise.race([feed(output, queue, clip, signal), died]);
  } finally {
    queue.close();
    scope.abort();
    await ended.catch(() => {});
  }
}

/** Plays the clip again and again at its pace, and measures from the moment at which the first bytes arrived. */
async function feed(
  output: Output,
  queue: UnitQueue,
  clip: readonly VideoUnit[],
  signal: AbortSignal,
): Promise<Outcome> {
  const clipUs = clip.length * pictureUs;
  const beganMs = performance.now();
  let [sent, waitedMs] = [0, 0];
  let first: { readonly atMs: number; readonly bytes: number; readonly dropped: number } | undefined;
  for (;;) {
    const nowMs = performance.now();
    for (; sent * pictureUs < (nowMs - beganMs) * 1000; sent += 1) {
      const unit = clip[sent % clip.length];
      const shiftUs = Math.floor(sent / clip.length) * clipUs;
      if (unit !== undefined)
        queue.push({ ...unit, ptsUs: unit.ptsUs + shiftUs, dtsUs: unit.dtsUs + shiftUs });
    }
    const bytes = output.uplink?.(true)?.deliveredBytes ?? 0;
    if (bytes > 0) first ??= { atMs: nowMs, bytes, dropped: queue.counters.droppedUnits };
    if (first !== undefined) {
      waitedMs = Math.max(waitedMs, queue.counters.milliseconds);
      const passedMs = nowMs - first.atMs;
      const dropped = queue.counters.droppedUnits - first.dropped;
      if (passedMs >= seconds * 1000)
        return { carried: ((bytes - first.bytes) * 8000) / passedMs, dropped, waitedMs };
    } else if (nowMs - beganMs > connectSeconds * 1000)
      throw new Error(`Nothing arrived within ${connectSeconds} s.`);
    await sleep(stepMs, undefined, { signal });
  }
}

const pictureUs = 1_000_000 / 30;
const megabits = (rate: number): string => `${(rate / 1e6).toFixed(2)} Mbit/s`;

/** What an outcome means for the line. */
export function judge(
  id: string,
  rate: number,
  floor: number,
  { carried, dropped, waitedMs }: Outcome,
): Finding {
  const evidence = `Of ${megabits(rate)}, ${megabits(carried)} arrived for ${seconds} s; pictures waited up to ${Math.round(waitedMs)} ms, ${dropped} were dropped.`;
  if (dropped === 0 && carried >= rate * enoughShare) return ok(id, evidence);
  const remedy = "Look at wifi-signal and wifi-power-saving; try another uplink.";
  if (carried < floor)
    return wrong(
      id,
      evidence,
      `That is less than the least that is asked of the camera (adapt.floor, ${megabits(floor)}).`,
      remedy,
    );
  return warning(id, evidence, "The uplink carries less; spotlive asks the camera for less then.", remedy);
}
