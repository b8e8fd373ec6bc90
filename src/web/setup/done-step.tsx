import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { ask, wordsOf } from "../model/api.ts";
import { askSession } from "../model/session.ts";
import { save } from "../settings/save.ts";
import type { Answers } from "./setup.tsx";

interface DoneStepProps {
  readonly answers: Answers;
  onBack(): void;
}

/** What was found out, as changes of the configuration. */
export function toChanges({ robot, ingest }: Answers, isAlways: boolean): ReadonlyMap<string, unknown> {
  const { kind, url, streamKey } = ingest;
  return new Map<string, unknown>([
    ["source", "spot"],
    ["spot.host", robot.host],
    ["spot.username", robot.username],
    ["spot.password", robot.password],
    ...Object.entries(robot.settings),
    ["outputs[0].kind", kind],
    ["outputs[0].streamKey", streamKey],
    ...(kind === "rtmp" ? ([["outputs[0].url", url]] as const) : []),
    ["autostart", isAlways ? "always" : "last"],
  ]);
}

const lookAgainMs = 1000;

/** Asks until spotlive is set up and back: the page is another one then. */
function lookAgain(): void {
  const again = (): void => void setTimeout(lookAgain, lookAgainMs);
  askSession().then(({ setup }) => {
    if (setup) again();
  }, again);
}

/** Writes the configuration, and starts spotlive anew with it. */
export function DoneStep({ answers, onBack }: DoneStepProps): JSX.Element {
  const [isAlways, setAlways] = useState(true);
  const [isBusy, setBusy] = useState(false);
  const [said, setSaid] = useState("");

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    setBusy(true);
    const { isSaved, text, problems } = await save(toChanges(answers, isAlways));
    setSaid([text, ...[...problems].map(([path, problem]) => `${path}: ${problem}`)].join(" "));
    if (isSaved) await restart();
    setBusy(false);
  }

  async function restart(): Promise<void> {
    try {
      await ask("POST", "/api/restart", { body: {} });
      setSaid("Saved. spotlive starts anew; this page goes on by itself.");
    } catch (error) {
      setSaid(`Saved. Start spotlive anew for it to count. (${wordsOf(error)})`);
    }
    lookAgain();
  }

  const { robot, ingest } = answers;
  return (
    <form class="card" onSubmit={(event) => void submit(event)}>
      <h2>Ready</h2>
      <dl class="facts wide">
        <div>
          <dt>Robot</dt>
          <dd>
            {robot.username} at {robot.host}
          </dd>
        </div>
        <div>
          <dt>Destination</dt>
          <dd>{ingest.kind === "twitch" ? "Twitch" : ingest.url}</dd>
        </div>
      </dl>
      <label class="field in-line">
        <input
          type="checkbox"
          checked={isAlways}
          onChange={({ currentTarget }) => setAlways(currentTarget.checked)}
        />
        <span>Go live whenever power is applied</span>
      </label>
      <p role="status">{said}</p>
      <div class="row end">
        <button type="button" class="quiet" onClick={onBack}>
          Back
        </button>
        <button type="submit" class="main-action go" disabled={isBusy}>
          {isBusy ? "Saving…" : "Save and start"}
        </button>
      </div>
    </form>
  );
}
