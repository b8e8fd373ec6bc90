import type { Growth } from "../helpers/delivery.ts";
import { payloadShare, readFigures, runStep, step } from "../helpers/uplink-step.ts";
import type { StepFigures, StepRun, StepTiming } from "../helpers/uplink-step.ts";
import { plot } from "./plot.ts";

export interface MeasuredStep extends StepFigures {
  readonly sessions: number;
  readonly decoded: boolean;
  /** What a decoder says about the recording, and whether its timestamps strictly increase. */
  readonly complaints: readonly string[];
  readonly timestampsIncrease: boolean;
}

export const stepTiming: StepTiming = { fastSeconds: 20, slowSeconds: 60, againSeconds: 50 };
const rateWindowMs = 1000;
const plotEveryMs = 250;

/** Runs the step test; gives its figures and a plot of it. */
export async function measureStep(
  signal: AbortSignal,
): Promise<{ readonly figures: MeasuredStep; readonly svg: string }> {
  const run = await runStep(stepTiming, signal);
  const { samples, verdict, connections } = run;
  const figures = {
    ...readFigures(run),
    sessions: connections,
    decoded: samples.some(({ status }) => status.path !== "copy"),
    complaints: verdict.complaints,
    timestampsIncrease: verdict.video.every(({ dts }, i) => dts > (verdict.video[i - 1]?.dts ?? -1)),
  };
  return { figures, svg: draw(run) };
}

function draw({ slowMs, againMs, endMs, samples, growth, journeys }: StepRun): string {
  const beginMs = journeys[0]?.sentMs ?? slowMs;
  const seconds = (ms: number): number => (ms - beginMs) / 1000;
  const [slow, fast] = [step.slowRate * payloadShare, step.fastRate * payloadShare].map((rate) => rate / 1e6);
  const capacity = [
    [0, fast ?? 0],
    [seconds(slowMs), slow ?? 0],
    [seconds(againMs), fast ?? 0],
    [seconds(endMs), fast ?? 0],
  ] as const;
  const moments = Array.from(
    { length: Math.floor((endMs - beginMs) / plotEveryMs) },
    (_, i) => beginMs + i * plotEveryMs,
  );
  const targets = samples
    .filter(({ atMs, status }) => status.rate !== undefined && atMs >= beginMs)
    .map(({ atMs, status }) => [seconds(atMs), (status.rate?.target ?? 0) / 1e6] as const);
  const arrived = moments.map((ms) => [seconds(ms), rateAt(growth, ms)] as const);
  const delays = journeys.map(({ sentMs, arrivedMs }, i) => {
    const isGap = sentMs - (journeys[i - 1]?.sentMs ?? sentMs) > 500; // pictures were dropped
    return [seconds(sentMs), isGap ? NaN : arrivedMs - sentMs] as const;
  });
  return plot("The camera follows an uplink of 8, then 1.5, then 8 Mbit/s", "seconds", [
    {
      title: "Mbit/s",
      series: [
        { name: "the uplink carries", color: "#999", points: capacity, stepped: true },
        { name: "arrived, over one second", color: "#4a90d9", points: arrived },
        { name: "asked of the camera", color: "#d0021b", points: targets, stepped: true },
      ],
    },
    {
      title: "ms from camera to recording",
      series: [{ name: "each picture", color: "#417505", points: delays }],
    },
  ]);
}

/** What arrived in the second around a moment, Mbit/s. */
function rateAt(growth: readonly Growth[], ms: number): number {
  const bytesAt = (at: number): number => growth.findLast(({ atMs }) => atMs <= at)?.bytes ?? 0;
  return ((bytesAt(ms + rateWindowMs / 2) - bytesAt(ms - rateWindowMs / 2)) * 8) / 1000 / rateWindowMs;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** A table of what is expected and what was measured. */
export function formatStep(figures: MeasuredStep): string {
  const { reactionMs, belowMs, recoveryMs, delayMs, steadyShare, droppedPictures } = figures;
  const recording =
    figures.complaints.length === 0 && figures.timestampsIncrease
      ? "strictly increasing timestamps, no message of a decoder"
      : `timestamps ${figures.timestampsIncrease ? "increase" : "do not increase"}; ${figures.complaints.join("; ")}`;
  const rows = [
    ["a lower rate is asked for at most 2 s after 500 ms wait", seconds(reactionMs)],
    ["(below what the uplink carries)", seconds(belowMs)],
    ["90 % of the new capacity at most 30 s after its return", seconds(recoveryMs)],
    ["one RTMP session", String(figures.sessions)],
    ["no picture is decoded", figures.decoded ? "decoded" : "none"],
    ["from camera to recording at most 3 s", `${seconds(delayMs.max)}; median ${Math.round(delayMs.p50)} ms`],
    [
      "within 10 % of a steady capacity",
      `${percent(steadyShare.p5)} to ${percent(steadyShare.p95)} of it in nine tenths of the time from 20 s after the step on; ` +
        `${percent(steadyShare.least)} to ${percent(steadyShare.most)} at all`,
    ],
    ["pictures dropped (the safety net)", String(droppedPictures)],
    ["the recording", recording],
  ];
  const lines = rows.map((cells) => `| ${cells.join(" | ")} |`);
  return ["| Expectation | Measured |", "|---|---|", ...lines].join("\n");
}
