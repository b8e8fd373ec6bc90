import { explain } from "./explain.ts";
import { slow } from "./flash.ts";
import type { Outcome } from "./flash.ts";
import type { Medium } from "./medium.ts";
import { progressText, startMeter } from "./progress.ts";
import type { Meter, Phase, Progress } from "./progress.ts";
import { rate } from "./words.ts";

/** Where lines go. */
export interface Streams {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  /** Standard error is read by a person as it comes: one line can be written over. */
  readonly isTerminal: boolean;
}

/** What a person, or with `--json` a program, gets to see. */
export interface Display {
  note(text: string): void;
  startMeter(phase: Phase, total: number): Meter;
  /** Ends a line that would have been written over. */
  endLine(): void;
  tell(outcome: Outcome, medium: Pick<Medium, "name" | "isDirect">, bytes: number): void;
}

export function createDisplay({ out, error, isTerminal }: Streams, isJson: boolean): Display {
  let isOpen = false;
  const endLine = (): void => {
    if (isOpen) error("\n");
    isOpen = false;
  };
  const show = (progress: Progress): void => {
    if (isJson) return out(`${JSON.stringify({ version: 1, event: "progress", ...progress })}\n`);
    if (!isTerminal) return error(`${progressText(progress)}\n`);
    error(`\r${progressText(progress)}\u001b[K`);
    isOpen = true;
    if (progress.isEnd) endLine();
  };
  const everyMs = isJson ? 1000 : isTerminal ? 250 : 10_000;
  return {
    endLine,
    note(text) {
      endLine();
      error(`${text}\n`);
    },
    startMeter: (phase, total) => startMeter(phase, total, everyMs, show),
    tell(outcome, medium, bytes) {
      endLine();
      const report = reportOf(outcome, medium, bytes);
      if (isJson) return out(`${JSON.stringify({ version: 1, event: "verdict", ...report })}\n`);
      const { text, advice, warnings, suspects } = report;
      const who = suspects.length === 0 ? "" : `At fault: ${suspects.join(", or ")}. `;
      for (const line of [who + text, ...warnings, advice]) out(`${line}\n`);
    },
  };
}

function reportOf(
  { verdict, writeRate, readRate }: Outcome,
  { name, isDirect }: Pick<Medium, "name" | "isDirect">,
  bytes: number,
) {
  const { text: _, ...facts } = { text: "", ...verdict };
  const warnings = [
    ...(writeRate !== undefined && writeRate < slow
      ? [`The card is slow: it was written at ${rate(writeRate)}. A good one takes 10 MB/s and more.`]
      : []),
    ...(isDirect
      ? []
      : [
          `The file system of ${name} reads from memory only: the file is right, the disk below is not proven.`,
        ]),
  ];
  return {
    ...{ ok: verdict.kind === "proven", target: name, ...facts, ...explain(verdict, name, bytes), warnings },
    ...(writeRate !== undefined && { writeBytesPerSecond: Math.round(writeRate) }),
    ...(readRate !== undefined && { readBytesPerSecond: Math.round(readRate) }),
  };
}
