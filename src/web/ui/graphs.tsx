import type { JSX } from "preact";
import { app } from "../model/state.ts";
import { useStore } from "../model/store.ts";
import { rateOf } from "../words.ts";
import { Card } from "./card.tsx";
import { Chart } from "./chart.tsx";
import type { ChartSeries } from "./chart.tsx";

interface Graph {
  readonly title: string;
  readonly series: readonly ChartSeries[];
  /** Of the axis, which stays short. */
  readonly tick: (value: number) => string;
  /** The top of the axis reaches at least this far. */
  readonly atLeast: number;
}

const mbit = (value: number): string => (value / 1_000_000).toFixed(value < 10_000_000 ? 1 : 0);
const whole = (value: number): string => value.toFixed(0);

const graphs: readonly Graph[] = [
  {
    title: "Bit rate, Mbit/s",
    tick: mbit,
    atLeast: 1_000_000,
    series: [
      { label: "camera", tone: 1, of: ({ bitsPerSecond }) => bitsPerSecond, words: rateOf, isFilled: true },
      { label: "target", tone: 2, of: ({ target }) => target, words: rateOf, isDashed: true },
      { label: "uplink carries", tone: 3, of: ({ capacity }) => capacity, words: rateOf },
    ],
  },
  {
    title: "Queue delay, ms",
    tick: whole,
    atLeast: 100,
    series: [
      { label: "waiting", tone: 1, of: ({ delayMs }) => delayMs, words: (value) => `${whole(value)} ms` },
    ],
  },
  {
    title: "Pictures a second",
    tick: whole,
    atLeast: 30,
    series: [{ label: "camera", tone: 1, of: ({ fps }) => fps, words: (value) => `${whole(value)} fps` }],
  },
  {
    title: "Losses a second",
    tick: whole,
    atLeast: 5,
    series: [
      { label: "dropped pictures", tone: 4, of: (sample) => sample.droppedPerSecond, words: whole },
      { label: "lost packets", tone: 2, of: (sample) => sample.lostPerSecond, words: whole, isDashed: true },
    ],
  },
  {
    title: "Round trip to the ingest at connecting, ms",
    tick: whole,
    atLeast: 50,
    series: [
      { label: "round trip", tone: 1, of: ({ rttMs }) => rttMs, words: (value) => `${whole(value)} ms` },
    ],
  },
  {
    title: "Temperature, °C",
    tick: whole,
    atLeast: 60,
    series: [
      {
        label: "machine",
        tone: 4,
        of: ({ temperature }) => temperature,
        words: (value) => `${whole(value)} °C`,
      },
    ],
  },
];

/** The last ten minutes. */
export function Graphs(): JSX.Element {
  const samples = useStore(app, (state) => state.samples);
  return (
    <Card title="The last ten minutes" class="graphs-card">
      <div class="graphs">
        {graphs.map(({ title, series, tick, atLeast }) => (
          <Chart key={title} title={title} samples={samples} series={series} tick={tick} atLeast={atLeast} />
        ))}
      </div>
    </Card>
  );
}
