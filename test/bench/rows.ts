/** One line of the table: one robot, and every candidate at the same time on it. */
export interface Row {
  readonly name: string;
  readonly arrival: "burst" | "spread";
  /** Bits per second. */
  readonly bitrate: number;
  readonly fps: number;
  /** How many destinations spotlive feeds; with two, a spotlive that feeds one runs beside it. */
  readonly outputs: 1 | 2;
}

const usual = { arrival: "burst", bitrate: 8_000_000, fps: 30, outputs: 1 } as const;

export const rows: readonly Row[] = [
  { ...usual, name: "8-burst" },
  { ...usual, name: "8-spread", arrival: "spread" },
  { ...usual, name: "2-burst", bitrate: 2_000_000 },
  { ...usual, name: "20-burst", bitrate: 20_000_000 },
  { ...usual, name: "8-burst-60fps", fps: 60 },
  { ...usual, name: "8-burst-two-outputs", outputs: 2 },
];

export function describeRow({ arrival, bitrate, fps, outputs }: Row): string {
  const two = outputs === 2 ? ", two outputs" : "";
  return `1080p${fps}, ${bitrate / 1e6} Mbit/s, ${arrival}${two}`;
}

export interface Timing {
  readonly warmUpSeconds: number;
  readonly windowSeconds: number;
  readonly windows: number;
}

/** V8 goes on compiling hot functions for some 20 s; a camera that is on for hours does not notice. */
export const fullTiming: Timing = { warmUpSeconds: 20, windowSeconds: 8, windows: 5 };
export const quickTiming: Timing = { warmUpSeconds: 15, windowSeconds: 5, windows: 3 };
