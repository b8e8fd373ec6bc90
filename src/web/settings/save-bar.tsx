import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { ask, wordsOf } from "../model/api.ts";
import { tell } from "../model/state.ts";
import { Mark } from "../ui/icons.tsx";

interface SaveBarProps {
  readonly changes: number;
  readonly said: string;
  readonly isWrong: boolean;
  readonly needsRestart: boolean;
  /** Something starts spotlive anew when it ends. */
  readonly canRestart: boolean;
  onDrop(): void;
}

/** Always in sight: how much was changed, what came of it, and what is still to do. */
export function SaveBar(props: SaveBarProps): JSX.Element {
  const { changes, said, isWrong, needsRestart, canRestart, onDrop } = props;
  const count = changes === 1 ? "1 change" : `${changes} changes`;
  return (
    <div class="save-bar">
      <p role="status">
        {said !== "" && <Mark level={isWrong ? "wrong" : "ok"} word="" />} {said}
        {needsRestart && changes === 0 && !canRestart && " Restart spotlive for it to count."}
      </p>
      {needsRestart && canRestart && changes === 0 && <RestartButton />}
      {changes > 0 && (
        <button type="button" class="quiet" onClick={onDrop}>
          Drop {count}
        </button>
      )}
      <button type="submit" class="go" disabled={changes === 0}>
        {changes === 0 ? "Nothing to save" : `Save ${count}`}
      </button>
    </div>
  );
}

function RestartButton(): JSX.Element {
  const [isBusy, setBusy] = useState(false);
  async function restart(): Promise<void> {
    setBusy(true);
    try {
      await ask("POST", "/api/restart", { body: {} });
      tell("done", "spotlive restarts. This page comes back by itself.");
    } catch (error) {
      tell("refused", wordsOf(error));
    } finally {
      setBusy(false);
    }
  }
  return (
    <button type="button" disabled={isBusy} onClick={() => void restart()}>
      Restart spotlive now
    </button>
  );
}
