import type { JSX } from "preact";
import type { Finding, Remedy } from "../../domain/verdict.ts";
import { app } from "../model/state.ts";
import { useStore } from "../model/store.ts";
import { verdictWords } from "../words.ts";
import { Card } from "./card.tsx";
import { Mark } from "./icons.tsx";

const remedyWords: Readonly<Record<Remedy, string>> = {
  camera: "The camera is asked to put it right.",
  transcode: "Put right by encoding anew.",
  configuration: "Only you can put it right, in the settings.",
};

/** Whether the destination takes the picture as it is, and why. */
export function VerdictCard(): JSX.Element {
  const verdict = useStore(app, ({ status }) => status?.verdict);
  if (verdict === undefined) {
    return (
      <Card title="Verdict" class="verdict-card">
        <p class="none">Nothing to judge yet: that takes some seconds of the camera's stream.</p>
      </Card>
    );
  }
  const broken = verdict.findings.filter(({ remedy }) => remedy !== undefined);
  const kept = verdict.findings.filter(({ remedy }) => remedy === undefined);
  return (
    <Card title="Verdict" class="verdict-card">
      <p class="verdict-word">
        <Mark level={verdict.kind === "copy" ? "ok" : "warning"} />
        {verdictWords(verdict)}
      </p>
      {broken.length > 0 && (
        <ul class="findings">
          {broken.map((finding) => (
            <Broken key={finding.rule} finding={finding} />
          ))}
        </ul>
      )}
      <details>
        <summary>
          {kept.length} of {verdict.findings.length} rules are kept
        </summary>
        <ul class="findings">
          {kept.map(({ rule, text }) => (
            <li key={rule}>
              <Mark level="ok" />
              <span>{text}</span>
            </li>
          ))}
        </ul>
      </details>
    </Card>
  );
}

function Broken({ finding: { text, remedy } }: { readonly finding: Finding }): JSX.Element {
  return (
    <li>
      <Mark level={remedy === "configuration" ? "wrong" : "warning"} />
      <span>
        {text} {remedy !== undefined && <small>{remedyWords[remedy]}</small>}
      </span>
    </li>
  );
}
