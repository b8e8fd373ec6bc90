import { toFault } from "../../domain/fault.ts";
import { childSignal } from "../../lib/signals.ts";

/** `unknown`: it could not be found out. */
export type FindingVerdict = "ok" | "warning" | "wrong" | "unknown";

/** What one look has found. */
export interface Finding {
  /** Unique: `internet-route`, `ingest:main`. */
  readonly id: string;
  readonly verdict: FindingVerdict;
  /** What was seen. */
  readonly evidence: string;
  /** What that means; empty while all is well. */
  readonly meaning: string;
  /** What to do about it; empty where there is nothing to do. */
  readonly remedy: string;
  /** What `--fix` did, or what it would need. */
  readonly fixed?: string;
}

/** One look at one thing; its parts may look at several of a kind. */
export interface Check {
  readonly id: string;
  /** Milliseconds after which it counts as hanging; 5000 where absent. */
  readonly limitMs?: number;
  /** A rejection is a finding too: `unknown`, with the fault as evidence. */
  run(signal: AbortSignal): Promise<readonly Finding[]>;
  /** Puts right what can safely be put right, and says what it did. Rejects with a `Fault`, or the file system's error. */
  fix?(signal: AbortSignal): Promise<string>;
}

export const ok = (id: string, evidence: string): Finding => ({
  ...{ id, verdict: "ok", evidence, meaning: "", remedy: "" },
});
export const warning = (id: string, evidence: string, meaning: string, remedy: string): Finding => ({
  ...{ id, verdict: "warning", evidence, meaning, remedy },
});
export const wrong = (id: string, evidence: string, meaning: string, remedy: string): Finding => ({
  ...{ id, verdict: "wrong", evidence, meaning, remedy },
});
export const unknown = (id: string, evidence: string, remedy = ""): Finding => ({
  ...{ id, verdict: "unknown", evidence, meaning: "It could not be found out.", remedy },
});

const usualLimitMs = 5000;
const order: readonly FindingVerdict[] = ["wrong", "warning", "unknown", "ok"];

/** Runs all checks at once, each within its time, and sorts what they found: the wrong ones first. Never rejects. */
export async function runChecks(
  checks: readonly Check[],
  options: { readonly fix: boolean },
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const found = await Promise.all(checks.map((check) => runOne(check, signal)));
  const findings: Finding[] = [];
  // One after the other: two fixes of one file must not meet.
  for (const [index, check] of checks.entries()) {
    const before = found[index] ?? [];
    const isFixable =
      options.fix && before.some(({ verdict }) => verdict === "wrong" || verdict === "warning");
    findings.push(...(isFixable && check.fix !== undefined ? await fixOne(check, before, signal) : before));
  }
  return findings.toSorted(byVerdict);
}

/** The wrong ones first. */
export const byVerdict = (a: Finding, b: Finding): number =>
  order.indexOf(a.verdict) - order.indexOf(b.verdict);

async function runOne(check: Check, parent: AbortSignal): Promise<readonly Finding[]> {
  using scope = childSignal(parent);
  const limitMs = check.limitMs ?? usualLimitMs;
  const late = Promise.withResolvers<readonly Finding[]>();
  const hangs = unknown(check.id, `There was no answer within ${limitMs / 1000} s.`);
  const timer = setTimeout(() => late.resolve([hangs]), limitMs);
  try {
    return await Promise.race([check.run(scope.signal), late.promise]);
  } catch (error) {
    return [unknown(check.id, toFault(error).message)];
  } finally {
    clearTimeout(timer);
  }
}

/** Looks again after the fix: what it says is what is, and not what was hoped for. */
async function fixOne(
  check: Check,
  before: readonly Finding[],
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const add = (findings: readonly Finding[], fixed: string): readonly Finding[] =>
    findings.map((finding) => {
      const was = before.find(({ id }) => id === finding.id)?.verdict;
      return was === "wrong" || was === "warning" ? { ...finding, fixed } : finding;
    });
  try {
    const done = await check.fix?.(signal);
    return add(await runOne(check, signal), done ?? "");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const text =
      code === "EACCES" || code === "EPERM" || code === "EROFS"
        ? `Not done: it needs root${code === "EROFS" ? " and a file system that can be written to" : ""} (sudo spotlive doctor --fix).`
        : `Not done: ${toFault(error).message}`;
    return add(before, text);
  }
}
