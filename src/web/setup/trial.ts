import { useEffect, useState } from "preact/hooks";
import { wordsOf } from "../model/api.ts";

/** spotlive refuses a trial sooner than two seconds after another one ended. */
const restMs = 2100;

export interface Trial {
  readonly isBusy: boolean;
  /** One has ended just now: none may begin yet. */
  readonly isResting: boolean;
  /** Why the last one could not be made, in words; else empty. */
  readonly problem: string;
  /** Makes one. What it throws is the problem. */
  run(attempt: () => Promise<void>): Promise<void>;
}

/** What is tried with spotlive's help, one at a time. */
export function useTrial(): Trial {
  const [trials, setTrials] = useState(0);
  const [isBusy, setBusy] = useState(false);
  const [isResting, setResting] = useState(false);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    if (trials === 0) return;
    const timer = setTimeout(() => setResting(false), restMs);
    return () => clearTimeout(timer);
  }, [trials]);
  async function run(attempt: () => Promise<void>): Promise<void> {
    setBusy(true);
    setProblem("");
    try {
      await attempt();
    } catch (error) {
      setProblem(wordsOf(error));
    } finally {
      setBusy(false);
      setResting(true);
      setTrials((before) => before + 1);
    }
  }
  return { isBusy, isResting, problem, run };
}
