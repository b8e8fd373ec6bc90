import type { JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { keptMs, toColumns } from "../model/samples.ts";
import type { Sample } from "../../domain/sample.ts";

export interface ChartSeries {
  readonly label: string;
  /** Which of the page's colours for lines. */
  readonly tone: 1 | 2 | 3 | 4;
  readonly isDashed?: boolean;
  readonly isFilled?: boolean;
  of(sample: Sample): number | null;
  /** A value with its unit. */
  words(value: number): string;
}

interface ChartProps {
  readonly title: string;
  readonly samples: readonly Sample[];
  readonly series: readonly ChartSeries[];
  tick(value: number): string;
  readonly atLeast: number;
}

const height = 132;
const spanSeconds = keptMs / 1000;
const font = "11px system-ui, sans-serif";

/** One graph, with what it shows last as text: the lines are for the eye, the words for everybody. */
export function Chart({ title, samples, series, tick, atLeast }: ChartProps): JSX.Element {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const id = useId();
  const theme = useTheme();

  useEffect(() => {
    const element = host.current;
    if (element === null) return undefined;
    const made = new uPlot(
      optionsOf({ series, tick, atLeast }, element),
      toColumns(
        [],
        series.map(({ of }) => of),
      ) as uPlot.AlignedData,
      element,
    );
    plot.current = made;
    draw(made, samples, series);
    const resized = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [theme]);

  useEffect(() => {
    if (plot.current !== null) draw(plot.current, samples, series);
  }, [samples]);

  const last = samples.at(-1);
  return (
    <figure class="graph" aria-labelledby={id}>
      <figcaption id={id}>{title}</figcaption>
      <div ref={host} class="graph-lines" aria-hidden="true" />
      <ul class="legend">
        {series.map(({ label, tone, isDashed, of, words }) => {
          const value = last === undefined ? null : of(last);
          return (
            <li key={label}>
              <span
                class={`stroke tone-${tone}${isDashed === true ? " is-dashed" : ""}`}
                aria-hidden="true"
              />
              {label} <b>{value === null ? "–" : words(value)}</b>
            </li>
          );
        })}
      </ul>
    </figure>
  );
}

function draw(plot: uPlot, samples: readonly Sample[], series: readonly ChartSeries[]): void {
  const columns = toColumns(
    samples,
    series.map(({ of }) => of),
  );
  const end = (samples.at(-1)?.t ?? Date.now()) / 1000;
  plot.batch(() => {
    plot.setData(columns as uPlot.AlignedData, false);
    plot.setScale("x", { min: end - spanSeconds, max: end });
  });
}

/** Lines are drawn on a canvas, which does not know the style sheet's colours by itself. */
function optionsOf(
  { series, tick, atLeast }: Pick<ChartProps, "series" | "tick" | "atLeast">,
  element: HTMLElement,
): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour("--soft"),
    font,
    grid: { stroke: colour("--grid"), width: 1 },
    ticks: { show: false },
  };
  return {
    width: Math.max(element.clientWidth, 100),
    height,
    legend: { show: false },
    cursor: { show: false },
    padding: [6, 4, 0, 0],
    scales: {
      x: { time: true, auto: false },
      y: { range: (_plot, _min, max) => [0, Math.max(atLeast, (max ?? 0) * 1.1)] },
    },
    axes: [
      { ...axis, size: 22, space: 70, values: (_plot, times) => times.map(clockTick) },
      { ...axis, size: 34, space: 28, values: (_plot, values) => values.map(tick) },
    ],
    series: [
      {},
      ...series.map(({ label, tone, isDashed, isFilled }) => ({
        label,
        stroke: colour(`--line-${tone}`),
        width: 1.6,
        points: { show: false },
        ...(isDashed === true && { dash: [5, 4] }),
        ...(isFilled === true && { fill: `${colour(`--line-${tone}`)}22` }),
      })),
    ],
  };
}

const clockTick = (seconds: number): string =>
  new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** Changes when the person's machine changes between light and dark. */
function useTheme(): boolean {
  const [isDark, setDark] = useState(() => matchMedia("(prefers-color-scheme: dark)").matches);
  useEffect(() => {
    const query = matchMedia("(prefers-color-scheme: dark)");
    const look = (): void => setDark(query.matches);
    query.addEventListener("change", look);
    return () => query.removeEventListener("change", look);
  }, []);
  return isDark;
}
