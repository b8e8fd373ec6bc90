import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ask } from "../model/api.ts";
import type { ConfigAnswer } from "../model/wire.ts";
import { IngestStep } from "./ingest-step.tsx";
import { DoneStep } from "./done-step.tsx";
import { NetworkStep } from "./network-step.tsx";
import { RobotStep } from "./robot-step.tsx";

const steps = ["Robot", "Network", "Destination", "Done"] as const;

/** What is found out on the way, and written at the end. Secrets stay in this page until then. */
export interface Answers {
  readonly robot: {
    readonly host: string;
    readonly username: string;
    readonly password: string;
    /** What trying it has found out. */
    readonly settings: Readonly<Record<string, unknown>>;
  };
  readonly ingest: { readonly kind: "twitch" | "rtmp"; readonly url: string; readonly streamKey: string };
}

/** The first run: four short steps, each tried before the next. */
export function Setup(): JSX.Element {
  const [step, setStep] = useState(0);
  const [answers, setAnswers] = useState<Partial<Answers>>({});
  const [advice, setAdvice] = useState("");
  useEffect(() => {
    void ask<ConfigAnswer>("GET", "/api/config").then(
      (config) => setAdvice(config.writable ? "" : (config.advice ?? "")),
      () => {}, // saving tells
    );
  }, []);
  const next = (found: Partial<Answers>): void => {
    setAnswers((before) => ({ ...before, ...found }));
    setStep((before) => before + 1);
  };
  return (
    <main class="alone setup">
      <h1>
        <span class="brand-dot" aria-hidden="true" /> Set up spotlive
      </h1>
      <ol class="steps" aria-label="Steps">
        {steps.map((title, index) => (
          <li key={title} aria-current={index === step ? "step" : undefined}>
            {title}
            {index < step && <span class="unseen"> (done)</span>}
          </li>
        ))}
      </ol>
      {advice !== "" && <p role="alert">What is tried here cannot be kept. {advice}</p>}
      {step === 0 && <RobotStep onDone={(robot) => next({ robot })} />}
      {step === 1 && <NetworkStep onDone={() => next({})} onBack={() => setStep(0)} />}
      {step === 2 && <IngestStep onDone={(ingest) => next({ ingest })} onBack={() => setStep(1)} />}
      {step === 3 && answers.robot !== undefined && answers.ingest !== undefined && (
        <DoneStep answers={{ robot: answers.robot, ingest: answers.ingest }} onBack={() => setStep(2)} />
      )}
    </main>
  );
}
