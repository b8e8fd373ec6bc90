import { useEffect, useState } from "preact/hooks";

/** spotlive refuses a trial sooner than two seconds after another one ended. */
const restMs = 2100;

/** Whether a trial has ended just now, and what to call when one has. */
export function useRest(): readonly [isResting: boolean, rest: () => void] {
  const [trials, setTrials] = useState(0);
  const [isResting, setResting] = useState(false);
  useEffect(() => {
    if (trials === 0) return;
    const timer = setTimeout(() => setResting(false), restMs);
    return () => clearTimeout(timer);
  }, [trials]);
  const rest = (): void => {
    setResting(true);
    setTrials((before) => before + 1);
  };
  return [isResting, rest];
}
