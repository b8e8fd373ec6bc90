/** One line of a plot. */
export interface Series {
  readonly name: string;
  /** Any CSS colour. */
  readonly color: string;
  /** In the order in which they are joined; a value that is not finite is a gap. */
  readonly points: readonly (readonly [x: number, y: number])[];
  /** From one point across, then up or down to the next: for values that hold until they change. */
  readonly stepped?: boolean;
}

/** One diagram with axes of its own, under the one before. */
export interface Panel {
  /** What the vertical axis counts. */
  readonly title: string;
  readonly series: readonly Series[];
}

const width = 960;
const panelHeight = 260;
const left = 56;
const right = 16;
const top = 40;
const bottom = 34;
const ticksWanted = 8;

/** Draws panels over one horizontal axis, as an SVG that needs nothing else. */
export function plot(title: string, xTitle: string, panels: readonly Panel[]): string {
  const xs = panels.flatMap(({ series }) => series.flatMap(({ points }) => points.map(([x]) => x)));
  const [least, most] = [Math.min(...xs), Math.max(...xs)];
  const xOf = (x: number): number => left + ((x - least) / (most - least)) * (width - left - right);
  const height = 30 + panels.length * (panelHeight + 10) + 14;
  const drawn = panels.map((panel, i) => drawPanel(panel, 30 + i * (panelHeight + 10), [least, most], xOf));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    text(left, 20, title, 'font-size="15"'),
    ...drawn,
    text(width - right, height - 8, xTitle, 'text-anchor="end"'),
    "</svg>\n",
  ].join("\n");
}

function drawPanel(
  { title, series }: Panel,
  at: number,
  [least, most]: readonly [number, number],
  xOf: (x: number) => number,
): string {
  const highest = Math.max(
    ...series.flatMap(({ points }) => points.map(([, y]) => y)).filter(Number.isFinite),
  );
  const yTicks = ticks(0, highest * 1.05);
  const [floor, ceiling] = [at + panelHeight - bottom, at + top];
  const yMost = Math.max(highest * 1.05, yTicks.at(-1) ?? 0);
  const yOf = (y: number): number => floor - (y / yMost) * (floor - ceiling);
  const grid = [
    ...yTicks.map(
      (y) =>
        line(left, yOf(y), width - right, yOf(y)) + text(left - 6, yOf(y) + 4, `${y}`, 'text-anchor="end"'),
    ),
    ...ticks(least, most).map(
      (x) => line(xOf(x), ceiling, xOf(x), floor) + text(xOf(x), floor + 16, `${x}`, 'text-anchor="middle"'),
    ),
  ];
  let legendAt = left + 30 + title.length * 7.5;
  const legend = series.map(({ name, color }) => {
    const key =
      line(legendAt, at + 20, legendAt + 22, at + 20, color, 2.5) + text(legendAt + 28, at + 24, name);
    legendAt += 50 + name.length * 7;
    return key;
  });
  const curves = series.map(
    ({ color, points, stepped = false }) =>
      `<path d="${path(points, stepped, xOf, yOf)}" fill="none" stroke="${color}" stroke-width="1.6"/>`,
  );
  return [text(left, at + 24, title, 'font-weight="bold"'), ...legend, ...grid, ...curves].join("\n");
}

function path(
  points: Series["points"],
  stepped: boolean,
  xOf: (x: number) => number,
  yOf: (y: number) => number,
): string {
  let pen = "M";
  return points
    .map(([x, y]) => {
      if (!Number.isFinite(y)) {
        pen = "M";
        return "";
      }
      const [px, py] = [xOf(x).toFixed(1), yOf(y).toFixed(1)];
      const part = stepped && pen === "L" ? `H${px}V${py}` : `${pen}${px},${py}`;
      pen = "L";
      return part;
    })
    .join("");
}

/** Round numbers within a range, some eight of them. */
function ticks(least: number, most: number): number[] {
  const rough = (most - least) / ticksWanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(least / step);
  const count = Math.floor(most / step) - first + 1;
  return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(6)));
}

function line(x1: number, y1: number, x2: number, y2: number, color = "#ddd", strokeWidth = 1): string {
  const [a, b, c, d] = [x1, y1, x2, y2].map((value) => value.toFixed(1));
  return `<line x1="${a}" y1="${b}" x2="${c}" y2="${d}" stroke="${color}" stroke-width="${strokeWidth}"/>`;
}

function text(x: number, y: number, words: string, attributes = ""): string {
  const escaped = words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escaped}</text>`;
}
