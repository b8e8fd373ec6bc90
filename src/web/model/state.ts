import type { Sample } from "../../domain/sample.ts";
import type { Status } from "../../domain/status.ts";
import { createStore } from "./store.ts";
import type { SessionAnswer } from "./wire.ts";

/** Whether spotlive is reached: `lost` is told to the person, `connecting` only for a moment. */
export type LinkToServer = "connecting" | "open" | "lost";

/** A short answer to what somebody did, shown until it is closed or the next one comes. */
export interface Toast {
  readonly kind: "done" | "refused";
  readonly text: string;
  /** Counts up, so that the same text twice is told twice. */
  readonly number: number;
}

/** Everything that more than one component looks at. */
export interface AppState {
  /** Absent until spotlive has told. */
  readonly session: SessionAnswer | undefined;
  /** Why the login form is shown again. */
  readonly loginReason: string;
  readonly link: LinkToServer;
  readonly status: Status | undefined;
  /** `performance.now()` when the status came: what it says in seconds goes on from there. */
  readonly statusAt: number;
  /** At most ten minutes, newest last. A new array for each change. */
  readonly samples: readonly Sample[];
  /** Counts what happened: a log that is looked at is read again. */
  readonly happened: number;
  readonly toast: Toast | undefined;
  /** Kinds of commands that are under way. */
  readonly busy: ReadonlySet<string>;
}

export const app = createStore<AppState>({
  session: undefined,
  loginReason: "",
  link: "connecting",
  status: undefined,
  statusAt: 0,
  samples: [],
  happened: 0,
  toast: undefined,
  busy: new Set(),
});

let toasts = 0;

export function tell(kind: Toast["kind"], text: string): void {
  toasts += 1;
  app.set({ toast: { kind, text, number: toasts } });
}

/** True when somebody may act here. */
export function isIn({ session }: AppState): boolean {
  return session !== undefined && (!session.protected || session.by !== null);
}
