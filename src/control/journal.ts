import type { Command, CommandRequest, Result, Submit } from "../domain/command.ts";
import type { Report, StatusEvent } from "../domain/status.ts";
import { createLog } from "../lib/log.ts";
import type { Mask } from "../lib/log.ts";
import { createEventLog } from "./event-log.ts";

/** Something that happened, in the words of the log. All texts may hold what others wrote: hostile until shown escaped. */
export interface JournalEvent {
  /** Unix time, milliseconds. */
  readonly t: number;
  readonly type: StatusEvent["type"];
  readonly severity: "info" | "warning" | "error";
  readonly text: string;
}

/** Something that somebody asked for. */
export interface JournalCommand {
  /** Unix time, milliseconds. */
  readonly t: number;
  readonly origin: CommandRequest["origin"];
  readonly by: string | null;
  /** In short: `camera look pan -10 tilt 0 zoom 1`. */
  readonly command: string;
  readonly ok: boolean;
  /** Why it was refused; empty where it was not. */
  readonly text: string;
}

export type JournalEntry = { readonly event: JournalEvent } | { readonly audit: JournalCommand };

/** What has happened and what was asked for since spotlive began, in memory, for people who look at it now. */
export interface Journal {
  /** The newest first, at most 200. */
  readonly events: readonly JournalEvent[];
  /** The newest first, at most 200. */
  readonly audit: readonly JournalCommand[];
  /** Takes an event; what is logged only at `debug` is left out. */
  readonly note: Report;
  /** Wraps `submit` so that every request but `status` is noted with what came of it. */
  watch(submit: Submit): Submit;
  /** Tells of every new entry until the signal aborts. */
  subscribe(listener: (entry: JournalEntry) => void, signal: AbortSignal): void;
}

const mostEntries = 200;
const longestText = 500;

/** The mask takes secrets out of every event, as it does in the log. */
export function createJournal(mask: Mask, now: () => number = Date.now): Journal {
  const events: JournalEvent[] = [];
  const audit: JournalCommand[] = [];
  const listeners = new Set<(entry: JournalEntry) => void>();
  const tell = (entry: JournalEntry): void => {
    for (const listener of listeners) listener(entry);
  };

  let type: StatusEvent["type"] = "notice";
  const write = createEventLog(createLog({ level: "info", mask, destination: { write: take } }));
  function take(line: string): void {
    const { level, part, msg = "" } = JSON.parse(line) as LogLine;
    const isLink = type === "source" || type === "output";
    const text = (isLink ? `${part}: ${msg}` : msg).slice(0, longestText);
    const severity = level === "warn" ? "warning" : level === "error" ? "error" : "info";
    const event = { t: now(), type, severity, text } as const;
    keep(events, event);
    tell({ event });
  }

  function record({ origin, by, command }: CommandRequest, result: Result): void {
    const text = result.ok ? "" : mask.apply(result.fault.message).slice(0, longestText);
    const asked = describeCommand(command).slice(0, longestText);
    const entry = { t: now(), origin, by: by ?? null, command: asked, ok: result.ok, text };
    keep(audit, entry);
    tell({ audit: entry });
  }

  return {
    get events() {
      return events.toReversed();
    },
    get audit() {
      return audit.toReversed();
    },
    note(event) {
      ({ type } = event);
      write(event);
    },
    watch: (submit) => async (request) => {
      const result = await submit(request);
      if (request.command.kind !== "status") record(request, result);
      return result;
    },
    subscribe(listener, signal) {
      if (signal.aborted) return;
      listeners.add(listener);
      signal.addEventListener("abort", () => listeners.delete(listener), { once: true });
    },
  };
}

interface LogLine {
  readonly level: string;
  readonly part: string;
  readonly msg?: string;
}

function keep<Entry>(entries: Entry[], entry: Entry): void {
  entries.push(entry);
  if (entries.length > mostEntries) entries.shift();
}

/** A command in one line: its words and values in their order. */
export function describeCommand(command: Command): string {
  return words(command).join(" ");
}

function words(value: object): string[] {
  return Object.entries(value).flatMap(([name, inner]: [string, unknown]) => {
    if (name === "kind" || name === "name") return [String(inner)];
    if (Array.isArray(inner)) return [name, inner.join(",")];
    if (inner === null) return [name, "none"];
    if (typeof inner === "object") return words(inner);
    return [name, typeof inner === "string" ? inner : JSON.stringify(inner)];
  });
}
