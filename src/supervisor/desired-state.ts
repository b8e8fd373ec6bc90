import { join } from "node:path";
import { toFault } from "../domain/fault.ts";
import type { Report, Status } from "../domain/status.ts";
import { readFileIfThere, writeFileAtomic } from "../lib/atomic-file.ts";

export interface DesiredStateStore {
  /** What was wanted when the power went; `idle` where nothing is known. */
  read(): Promise<Status["desired"]>;
  /** Keeps it over a power cut. A disk that is full or read-only costs the memory, never the stream. */
  remember(desired: Status["desired"]): Promise<void>;
}

/** Remembers in one small file whether the line was wanted live, for `autostart: last`. */
export function openDesiredState(directory: string, report: Report): DesiredStateStore {
  const path = join(directory, "desired");
  let remembered: Status["desired"] | undefined;
  return {
    async read() {
      const text = await readFileIfThere(path).catch(() => undefined);
      remembered = text?.trim() === "live" ? "live" : "idle";
      return remembered;
    },
    async remember(desired) {
      if (remembered === desired) return;
      try {
        await writeFileAtomic(path, `${desired}\n`);
        remembered = desired;
      } catch (error) {
        const text = `What was last wanted cannot be kept in ${path}: ${toFault(error).message}`;
        report({ type: "notice", part: "supervisor", severity: "warning", text });
      }
    },
  };
}
