import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { ask, wordsOf } from "../model/api.ts";
import type { DoctorFinding, DoctorVerdict } from "../model/wire.ts";
import { timeOf } from "../words.ts";
import { Card } from "./card.tsx";
import { Mark } from "./icons.tsx";

const order: readonly DoctorVerdict[] = ["wrong", "warning", "unknown", "ok"];
const words: Readonly<Record<DoctorVerdict, string>> = {
  wrong: "wrong",
  warning: "to be looked at",
  unknown: "not known",
  ok: "in order",
};

interface Looked {
  readonly findings: readonly DoctorFinding[];
  readonly at: Date;
}

/** Looks at machine, network, robot and destinations, and says what to do. */
export function Doctor(): JSX.Element {
  const [looked, setLooked] = useState<Looked>();
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");

  async function look(): Promise<void> {
    setBusy(true);
    setProblem("");
    try {
      const { findings } = await ask<{ findings: readonly DoctorFinding[] }>("POST", "/api/doctor", {
        body: {},
      });
      setLooked({ findings, at: new Date() });
    } catch (error) {
      setProblem(wordsOf(error));
    } finally {
      setBusy(false);
    }
  }

  return (
    <div class="doctor-view">
      <h1>Doctor</h1>
      <p>
        Looks at this machine, its clock, codecs and disk, the robot, the network, certificates and
        destinations. It changes nothing.
      </p>
      <div class="row">
        <button type="button" class="main-action go" disabled={isBusy} onClick={() => void look()}>
          {isBusy ? "Looking…" : looked === undefined ? "Look at everything" : "Look again"}
        </button>
        <p role="status" class="doctor-sum">
          {looked !== undefined && !isBusy && sumOf(looked)}
          {isBusy && "This takes some seconds."}
        </p>
      </div>
      <p class="problem" role="alert">
        {problem}
      </p>
      {looked !== undefined && (
        <div class={isBusy ? "is-stale" : ""}>
          {order.map((verdict) => (
            <Group
              key={verdict}
              verdict={verdict}
              findings={looked.findings.filter((finding) => finding.verdict === verdict)}
            />
          ))}
        </div>
      )}
    </div>
  );
}

function sumOf({ findings, at }: Looked): string {
  const counts = order
    .map((verdict) => ({ verdict, count: findings.filter((one) => one.verdict === verdict).length }))
    .filter(({ count }) => count > 0)
    .map(({ verdict, count }) => `${count} ${words[verdict]}`);
  return `${counts.join(", ")}; ${timeOf(at.getTime())}`;
}

interface GroupProps {
  readonly verdict: DoctorVerdict;
  readonly findings: readonly DoctorFinding[];
}

function Group({ verdict, findings }: GroupProps): JSX.Element | null {
  if (findings.length === 0) return null;
  return (
    <Card title={`${findings.length} ${words[verdict]}`} class={`doctor-group is-${verdict}`}>
      <ul class="doctor-findings">
        {findings.map((finding) => (
          <Finding key={finding.id} finding={finding} />
        ))}
      </ul>
    </Card>
  );
}

/** One row: what was seen, what it means, and what to do. */
export function Finding({ finding }: { readonly finding: DoctorFinding }): JSX.Element {
  const { id, title, verdict, evidence, meaning, remedy } = finding;
  return (
    <li>
      <Mark level={verdict} word={words[verdict]} />
      <div>
        <h3>{title ?? id}</h3>
        <p>{evidence}</p>
        {meaning !== "" && verdict !== "unknown" && <p>{meaning}</p>}
        {remedy !== "" && (
          <p class="remedy">
            <b>Do:</b> {remedy}
          </p>
        )}
      </div>
    </li>
  );
}
