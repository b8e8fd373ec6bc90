import { join } from "node:path";
import { toFault } from "../domain/fault.ts";
import type { AudioChoice, LineSettings, Report, Status } from "../domain/status.ts";
import { readFileIfThere, writeFileAtomic } from "../lib/atomic-file.ts";

/** What outlives power-off: what was wanted, what was set, and whether the kill switch is on. */
export interface Remembered {
  readonly desired: Status["desired"];
  readonly locked: boolean;
  readonly settings: LineSettings;
}

export interface Memory {
  /** What was remembered, or `otherwise` where nothing readable is. */
  read(otherwise: Remembered): Promise<Remembered>;
  /** Keeps it over a power cut. A disk that is full or read-only costs the memory, never the stream. */
  keep(state: Remembered): Promise<void>;
}

/** One small file, written atomically. */
export function openMemory(directory: string, report: Report): Memory {
  const path = join(directory, "state.json");
  let kept = "";
  return {
    async read(otherwise) {
      const text = await readFileIfThere(path).catch(() => undefined);
      return text === undefined ? otherwise : parseRemembered(text, otherwise);
    },
    async keep(state) {
      const text = `${JSON.stringify(state)}\n`;
      if (text === kept) return;
      try {
        await writeFileAtomic(path, text);
        kept = text;
      } catch (error) {
        const reason = `What was last wanted cannot be kept in ${path}: ${toFault(error).message}`;
        report({ type: "notice", part: "supervisor", severity: "warning", text: reason });
      }
    },
  };
}

const audioChoices: readonly AudioChoice[] = ["silent", "camera", "none"];

/** Takes what is readable and fits the configuration of today; everything else is as in `otherwise`. Total. */
export function parseRemembered(text: string, otherwise: Remembered): Remembered {
  const fields = parseObject(text);
  const settings = fields["settings"];
  const given = typeof settings === "object" && settings !== null ? { ...settings } : {};
  const { destinations, bitrateCap, audio }: Readonly<Record<string, unknown>> = given;
  const known = otherwise.settings.destinations;
  const chosen = Array.isArray(destinations) ? known.filter((name) => destinations.includes(name)) : [];
  return {
    desired: fields["desired"] === "live" ? "live" : "idle",
    locked: fields["locked"] === true,
    settings: {
      destinations: chosen.length > 0 ? chosen : known,
      bitrateCap: typeof bitrateCap === "number" && bitrateCap >= 100_000 ? bitrateCap : null,
      audio: audioChoices.find((choice) => choice === audio) ?? otherwise.settings.audio,
    },
  };
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
