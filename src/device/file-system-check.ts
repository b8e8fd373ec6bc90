import type { ReportLine } from "./boot-report.ts";
import { runSystemProgram } from "./system-program.ts";

const mostLines = 8;

/** What the checks of the file systems said at this power-on, from the journal. Never rejects. */
export async function readFileSystemChecks(): Promise<readonly ReportLine[]> {
  const argv = ["--boot", "--no-pager", "--output=cat", "--identifier=systemd-fsck"];
  return runSystemProgram("journalctl", argv, "reading the journal").then(checkLines, () => []);
}

/** What says nothing about the file system is left out. */
export function checkLines(said: string): readonly ReportLine[] {
  const lines = said
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !/^(fsck from |(fsck\.|e2fsck )\S* ?\d|-- )/.test(line));
  return lines.slice(0, mostLines).map((line) => ["File system check", line] as const);
}
