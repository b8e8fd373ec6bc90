import type { Sample } from "../../domain/sample.ts";
import type { Status } from "../../domain/status.ts";
import { ask } from "./api.ts";
import { addSamples } from "./samples.ts";
import { askSession } from "./session.ts";
import { app, isIn } from "./state.ts";
import type { HistoryAnswer } from "./wire.ts";

/** What only counts, and comes every second: the status that holds it is read again at leisure. */
const counters = ["source-progress", "output-progress", "output-queue", "uplink", "health"];
/** What changes the picture of the line: the status is read again at once. */
const changes = [
  ...["phase", "source", "output", "picture", "verdict", "path", "hold", "rate", "settings"],
  ...["lock", "camera", "boot-mark", "notice"],
];
const atOnceMs = 120;
const atLeisureMs = 2000;
const retryMs = 2000;
/** The full status comes every 10 s: longer silence is a dead connection. */
const silenceMs = 25_000;

/** Follows spotlive until the signal aborts: the status, the samples, and whether it is reached at all. */
export function follow(signal: AbortSignal): void {
  let source: EventSource | undefined;
  let retryTimer: ReturnType<typeof setTimeout> | undefined;
  let silenceTimer: ReturnType<typeof setTimeout> | undefined;
  const refresh = createRefresh(signal);

  function close(): void {
    source?.close();
    source = undefined;
    clearTimeout(silenceTimer);
  }

  function lose(): void {
    close();
    if (signal.aborted) return;
    app.set({ link: "lost" });
    clearTimeout(retryTimer);
    // Whether it is the network or the login is told by the session.
    retryTimer = setTimeout(() => void askSession().then(open, lose), retryMs);
  }

  function heard(): void {
    clearTimeout(silenceTimer);
    silenceTimer = setTimeout(lose, silenceMs);
  }

  function open(): void {
    if (signal.aborted || !isIn(app.value)) return;
    close();
    const events = new EventSource("/api/events");
    source = events;
    heard();
    events.addEventListener("status", ({ data }: MessageEvent<string>) => {
      heard();
      app.set({ link: "open", status: JSON.parse(data) as Status, statusAt: performance.now() });
    });
    events.addEventListener("sample", ({ data }: MessageEvent<string>) => {
      heard();
      app.set({ samples: addSamples(app.value.samples, [JSON.parse(data) as Sample]) });
    });
    for (const name of counters) events.addEventListener(name, () => refresh(atLeisureMs));
    for (const name of changes) events.addEventListener(name, () => refresh(atOnceMs));
    events.addEventListener("journal", () => app.set({ happened: app.value.happened + 1 }));
    events.addEventListener("error", lose);
    void ask<HistoryAnswer>("GET", "/api/history", { signal }).then(
      ({ samples }) => app.set({ samples: addSamples(samples, app.value.samples) }),
      () => {}, // the graphs begin with what comes
    );
  }

  signal.addEventListener("abort", () => {
    close();
    clearTimeout(retryTimer);
  });
  open();
}

/** Reads the status again after so many milliseconds, once for all who ask meanwhile. */
function createRefresh(signal: AbortSignal): (withinMs: number) => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let dueAt = Number.POSITIVE_INFINITY;

  function read(): void {
    dueAt = Number.POSITIVE_INFINITY;
    void ask<Status>("GET", "/api/status", { signal }).then(
      (status) => app.set({ status, statusAt: performance.now() }),
      () => {}, // the event stream tells when spotlive is gone
    );
  }

  signal.addEventListener("abort", () => clearTimeout(timer));
  return (withinMs) => {
    const wanted = performance.now() + withinMs;
    if (signal.aborted || wanted >= dueAt) return;
    clearTimeout(timer);
    dueAt = wanted;
    timer = setTimeout(read, withinMs);
  };
}
