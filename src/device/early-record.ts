import { join } from "node:path";
import { readFileIfThere, writeFileAtomic } from "../lib/atomic-file.ts";
import type { ReportLine } from "./boot-report.ts";

/** What was done and seen at this power-on before the service started, by a program that may see more than it. */
export interface EarlyRecord {
  /** Of the power-on. */
  readonly bootId: string;
  /** Seconds since power-on when the boot file was taken over. */
  readonly adopted: number;
  readonly lines: readonly ReportLine[];
}

const fileName = "adoption.json";
const endsName = "ends.txt";
/** How the line is called that tells of an end of the service. */
export const endedWord = "spotlive ended";
const mostEnds = 3;

export async function writeEarlyRecord(folder: string, record: EarlyRecord): Promise<void> {
  await writeFileAtomic(join(folder, fileName), `${JSON.stringify(record)}\n`, { mode: 0o644 });
}

/** Undefined where none was written at this power-on, or nothing readable. Never rejects. */
export async function readEarlyRecord(folder: string, bootId: string): Promise<EarlyRecord | undefined> {
  const text = await readFileIfThere(join(folder, fileName)).catch(() => undefined);
  const record = text === undefined ? undefined : parseEarlyRecord(text);
  return record?.bootId === bootId ? record : undefined;
}

/** How the service ended since power-on, the newest last. Never rejects. */
export async function readEnds(folder: string): Promise<readonly ReportLine[]> {
  const text = await readFileIfThere(join(folder, endsName)).catch(() => undefined);
  const lines = (text ?? "").split("\n").filter((line) => line !== "");
  return lines.slice(-mostEnds).map((line) => [endedWord, line] as const);
}

/** Total. */
export function parseEarlyRecord(text: string): EarlyRecord | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return undefined;
    const { bootId, adopted, lines }: Readonly<Record<string, unknown>> = { ...value };
    if (typeof bootId !== "string" || typeof adopted !== "number" || !Array.isArray(lines)) return undefined;
    return { bootId, adopted, lines: lines.filter(isLine) };
  } catch {
    return undefined;
  }
}

function isLine(value: unknown): value is ReportLine {
  return Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === "string");
}
