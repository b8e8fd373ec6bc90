import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ask, wordsOf } from "../model/api.ts";
import type { DoctorFinding } from "../model/wire.ts";
import { Finding } from "../ui/doctor.tsx";

interface NetworkStepProps {
  onDone(): void;
  onBack(): void;
}

/** Of what the doctor looks at: the ways to the internet, and what keeps them from carrying a picture. */
const isAboutNetwork = ({ id }: DoctorFinding): boolean =>
  ["internet-route", "network-clash", "clock", "kernel-buffers"].includes(id) || /^(dns|wifi)/.test(id);

/** Whether this machine reaches the internet, and not through the robot; looked at when the step begins. */
export function NetworkStep({ onDone, onBack }: NetworkStepProps): JSX.Element {
  const [findings, setFindings] = useState<readonly DoctorFinding[]>();
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(false);

  async function look(): Promise<void> {
    setBusy(true);
    setProblem("");
    try {
      const answer = await ask<{ findings: readonly DoctorFinding[] }>("POST", "/api/doctor", { body: {} });
      setFindings(answer.findings.filter(isAboutNetwork));
    } catch (error) {
      setProblem(wordsOf(error));
    } finally {
      setBusy(false);
    }
  }
  useEffect(() => void look(), []);

  const isWell = findings?.every(({ verdict }) => verdict !== "wrong") === true;
  return (
    <section class="card">
      <h2>The way to the internet</h2>
      <p role="status">
        {isBusy
          ? "Looking at routes, names and clock; this takes some seconds."
          : isWell
            ? "Nothing stands in the way."
            : "Something stands in the way."}
      </p>
      <ul class="doctor-findings">
        {findings?.map((finding) => (
          <Finding key={finding.id} finding={finding} />
        ))}
      </ul>
      <p class="problem" role="alert">
        {problem}
      </p>
      <div class="row end">
        <button type="button" class="quiet" onClick={onBack}>
          Back
        </button>
        <button type="button" class="quiet" disabled={isBusy} onClick={() => void look()}>
          Look again
        </button>
        <button type="button" class="main-action go" disabled={isBusy} onClick={onDone}>
          {isWell ? "Next" : "Go on all the same"}
        </button>
      </div>
    </section>
  );
}
