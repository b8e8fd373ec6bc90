import { bootMarkNames } from "../domain/boot.ts";
import type { BootMarkName, BootMarks } from "../domain/boot.ts";
import { toFault } from "../domain/fault.ts";
import type { Report, Status, Subscribe } from "../domain/status.ts";
import { readFileIfThere, writeFileAtomic } from "../lib/atomic-file.ts";
import { untilAborted } from "../lib/signals.ts";

export interface MarksOptions {
  /** The file; undefined: they are kept nowhere. */
  readonly path: string | undefined;
  /** Of the power-on. */
  readonly bootId: string;
  /** What was reached before this program began. */
  readonly earlier: BootMarks;
  readonly status: () => Status;
  readonly subscribe: Subscribe;
  readonly report: Report;
}

/**
 * Reports the marks of before, and writes all into a small JSON file at each new one, until aborted: a program that is
 * started anew, and whoever looks from outside, knows when what was reached. Never rejects.
 */
export async function keepMarks(options: MarksOptions, signal: AbortSignal): Promise<void> {
  const { path, bootId, earlier, status, subscribe, report } = options;
  let writing: Promise<void> = Promise.resolve();
  const write = async (): Promise<void> => {
    if (path === undefined) return;
    const text = `${JSON.stringify({ version: 1, bootId, marks: inOrder(status().boot ?? {}) })}\n`;
    await writeFileAtomic(path, text, { mode: 0o644 }).catch((error: unknown) => {
      const text = `The boot marks cannot be kept in ${path}: ${toFault(error).message}`;
      report({ type: "notice", part: "boot", severity: "warning", text });
    });
  };
  const known = path === undefined ? {} : await readMarks(path, bootId);
  subscribe((event) => {
    if (event.type === "boot-mark") writing = writing.then(write);
  }, signal);
  for (const [name, seconds] of Object.entries(inOrder({ ...earlier, ...known })))
    report({ type: "boot-mark", name: name as BootMarkName, seconds });
  await untilAborted(signal);
  await writing;
}

/** The marks of this power-on that were kept; none where nothing readable was. Never rejects. */
export async function readMarks(path: string, bootId: string): Promise<BootMarks> {
  const text = await readFileIfThere(path).catch(() => undefined);
  return text === undefined ? {} : parseMarks(text, bootId);
}

/** Total. */
export function parseMarks(text: string, bootId: string): BootMarks {
  try {
    const value: unknown = JSON.parse(text);
    const record: Readonly<Record<string, unknown>> = { ...(value as object) };
    const { marks } = record;
    if (record["bootId"] !== bootId || typeof marks !== "object") return {};
    return inOrder({ ...marks });
  } catch {
    return {};
  }
}

function inOrder(marks: Readonly<Record<string, unknown>>): BootMarks {
  return Object.fromEntries(
    bootMarkNames.flatMap((name) => {
      const seconds = marks[name];
      return typeof seconds === "number" && Number.isFinite(seconds) ? [[name, seconds]] : [];
    }),
  );
}
