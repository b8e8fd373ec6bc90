import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { ask } from "../model/api.ts";
import type { IngestTest, SetupStep } from "../model/wire.ts";
import { Choice } from "../ui/choice.tsx";
import { rateOf } from "../words.ts";
import { Tried } from "./robot-step.tsx";
import type { Answers } from "./setup.tsx";
import { useTrial } from "./trial.ts";

type Ingest = Answers["ingest"];

interface IngestStepProps {
  onDone(ingest: Ingest): void;
  onBack(): void;
}

/** Where the picture goes, tried at once: with Twitch's bandwidth test, which nobody sees, the uplink is measured. */
export function IngestStep({ onDone, onBack }: IngestStepProps): JSX.Element {
  const [ingest, setIngest] = useState<Ingest>({ kind: "twitch", url: "", streamKey: "" });
  const [tried, setTried] = useState<SetupStep>();
  const { isBusy, isResting, problem, run } = useTrial();

  function edit(changed: Partial<Ingest>): void {
    setIngest((before) => ({ ...before, ...changed }));
    setTried(undefined);
  }

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    if (tried?.ok === true) return onDone(ingest);
    const { kind, url, streamKey } = ingest;
    const body = kind === "twitch" ? { kind, streamKey } : { kind, url, streamKey };
    await run(async () => {
      const { ok, text, bitsPerSecond } = await ask<IngestTest>("POST", "/api/setup/ingest", { body });
      const measured = bitsPerSecond === undefined ? "" : ` The uplink carries ${rateOf(bitsPerSecond)}.`;
      setTried({ name: "Uplink", ok, text: `${text}${measured}` });
    });
  }

  return (
    <form class="card" onSubmit={(event) => void submit(event)}>
      <h2>Where the picture goes</h2>
      <Choice
        label="Kind of destination"
        value={ingest.kind}
        options={[
          { value: "twitch", text: "Twitch" },
          { value: "rtmp", text: "Another RTMP server" },
        ]}
        onChoose={(kind) => edit({ kind })}
      />
      {ingest.kind === "rtmp" && (
        <label class="field">
          <span>Server and application</span>
          <input
            name="url"
            required
            placeholder="rtmps://live.example.org/app"
            autocapitalize="none"
            spellcheck={false}
            value={ingest.url}
            onInput={({ currentTarget }) => edit({ url: currentTarget.value })}
          />
        </label>
      )}
      <label class="field">
        <span>Stream key</span>
        <input
          name="streamKey"
          type="password"
          autocomplete="off"
          required
          value={ingest.streamKey}
          onInput={({ currentTarget }) => edit({ streamKey: currentTarget.value })}
        />
      </label>
      <p>
        {ingest.kind === "twitch"
          ? "It is tried with Twitch's bandwidth test: nobody sees it, and nothing appears on the channel."
          : "It is tried by publishing for some seconds."}
      </p>
      <Tried steps={tried === undefined ? undefined : [tried]} />
      <p class="problem" role="alert">
        {problem}
      </p>
      <div class="row end">
        <button type="button" class="quiet" onClick={onBack}>
          Back
        </button>
        {tried?.ok === false && (
          <button type="button" class="quiet" onClick={() => onDone(ingest)}>
            Go on all the same
          </button>
        )}
        <button type="submit" class="main-action go" disabled={isBusy || (isResting && tried?.ok !== true)}>
          {isBusy ? "Measuring…" : tried?.ok === true ? "Next" : "Try"}
        </button>
      </div>
    </form>
  );
}
