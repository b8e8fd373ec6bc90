import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, wordsOf } from "../model/api.ts";
import { app } from "../model/state.ts";
import { useStore } from "../model/store.ts";
import type { AuditEntry, Journal, JournalEvent } from "../model/wire.ts";
import { timeOf } from "../words.ts";
import { Card } from "./card.tsx";
import { Mark } from "./icons.tsx";
import type { Level } from "./icons.tsx";

const pauseMs = 1000;
const levels: Readonly<Record<JournalEvent["severity"], Level>> = {
  info: "info",
  warning: "warning",
  error: "wrong",
};

/** Reads the journal now, and again at most once a second while things happen. */
function useJournal(): { readonly journal: Journal | undefined; readonly problem: string } {
  const happened = useStore(app, (state) => state.happened);
  const [journal, setJournal] = useState<Journal>();
  const [problem, setProblem] = useState("");
  const readAt = useRef(Number.NEGATIVE_INFINITY);
  useEffect(() => {
    const scope = new AbortController();
    const read = (): void => {
      readAt.current = performance.now();
      ask<Journal>("GET", "/api/journal", { signal: scope.signal }).then(
        (answer) => {
          setJournal(answer);
          setProblem("");
        },
        (error: unknown) => !scope.signal.aborted && setProblem(wordsOf(error)),
      );
    };
    const timer = setTimeout(read, Math.max(0, readAt.current + pauseMs - performance.now()));
    return () => {
      clearTimeout(timer);
      scope.abort();
    };
  }, [happened]);
  return { journal, problem };
}

/** What happened, and who asked for what. */
export function Log(): JSX.Element {
  const { journal, problem } = useJournal();
  return (
    <div class="log-view">
      <h1>Log</h1>
      <p class="problem" role="alert">
        {problem}
      </p>
      <div class="two">
        <Card title="Events">
          <Events events={journal?.events} />
        </Card>
        <Card title="Who asked for what">
          <Audit audit={journal?.audit} />
        </Card>
      </div>
    </div>
  );
}

function Events({ events }: { readonly events: readonly JournalEvent[] | undefined }): JSX.Element {
  if (events === undefined) return <p class="none">Reading…</p>;
  if (events.length === 0) return <p class="none">Nothing has happened yet.</p>;
  return (
    <ol class="events">
      {events.map(({ t, type, severity, text }, index) => (
        <li key={`${t} ${index}`}>
          <Mark level={levels[severity]} word={severity} />
          <time dateTime={new Date(t).toISOString()}>{timeOf(t)}</time>
          <span class="event-text">
            <small>{type}</small> {text}
          </span>
        </li>
      ))}
    </ol>
  );
}

function Audit({ audit }: { readonly audit: readonly AuditEntry[] | undefined }): JSX.Element {
  if (audit === undefined) return <p class="none">Reading…</p>;
  if (audit.length === 0) return <p class="none">Nobody has asked for anything yet.</p>;
  return (
    <ol class="events">
      {audit.map(({ t, origin, by, command, ok, text }, index) => (
        <li key={`${t} ${index}`}>
          <Mark level={ok ? "ok" : "wrong"} word={ok ? "done" : "refused"} />
          <time dateTime={new Date(t).toISOString()}>{timeOf(t)}</time>
          <span class="event-text">
            <b>{command}</b> <small>{by === null ? origin : `${by}, ${origin}`}</small>
            {text !== "" && ` ${text}`}
          </span>
        </li>
      ))}
    </ol>
  );
}
