import { join } from "node:path";
import { readFileIfThere } from "../lib/atomic-file.ts";
import type { ReportLine } from "./boot-report.ts";

const mostLines = 8;
const fileName = "file-system-checks.txt";

/** What the checks of the file systems said at this power-on, as the first program of the image kept it. Never rejects. */
export async function readFileSystemChecks(folder: string): Promise<readonly ReportLine[]> {
  return await readFileIfThere(join(folder, fileName)).then(
    (said) => checkLines(said ?? ""),
    () => [],
  );
}

/** What says nothing about the file system is left out. */
export function checkLines(said: string): readonly ReportLine[] {
  const lines = said
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !/^(fsck\.|e2fsck )\S* ?\d/.test(line));
  return lines.slice(0, mostLines).map((line) => ["File system check", line] as const);
}
