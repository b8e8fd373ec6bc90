import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { app } from "../model/state.ts";
import { useStore } from "../model/store.ts";
import { Icon, Mark } from "./icons.tsx";

const doneMs = 4000;
const refusedMs = 12_000;

/** spotlive is not reached. Lies over the page, so that nothing moves. */
export function LostBanner(): JSX.Element {
  const isLost = useStore(app, ({ link }) => link === "lost");
  return (
    <div class="banner" role="alert" hidden={!isLost}>
      {isLost && (
        <>
          <Mark level="warning" /> No connection to spotlive. The stream itself may well go on. Trying again…
        </>
      )}
    </div>
  );
}

/** What came of the last thing that somebody did here. */
export function ToastLine(): JSX.Element {
  const toast = useStore(app, (state) => state.toast);
  useEffect(() => {
    if (toast === undefined) return undefined;
    const timer = setTimeout(() => app.set({ toast: undefined }), toast.kind === "done" ? doneMs : refusedMs);
    return () => clearTimeout(timer);
  }, [toast]);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toast !== undefined && (
        <div class="toast" key={toast.number}>
          <Mark
            level={toast.kind === "done" ? "ok" : "wrong"}
            word={toast.kind === "done" ? "Done:" : "Refused:"}
          />
          <span>{toast.text}</span>
          <button type="button" class="quiet" onClick={() => app.set({ toast: undefined })}>
            <Icon name="close" />
            <span class="unseen">Close this message</span>
          </button>
        </div>
      )}
    </div>
  );
}
