import type { Finding, FindingVerdict } from "./check.ts";

/** What `doctor --json` prints. Keys are only ever added. */
export interface DoctorResult {
  readonly version: 1;
  /** False when at least one finding is `wrong`. */
  readonly ok: boolean;
  /** The wrong ones first. */
  readonly findings: readonly Finding[];
}

export function doctorResult(findings: readonly Finding[]): DoctorResult {
  return { version: 1, ok: findings.every(({ verdict }) => verdict !== "wrong"), findings };
}

const marks: Readonly<Record<FindingVerdict, string>> = {
  wrong: "WRONG",
  warning: "warning",
  unknown: "unknown",
  ok: "ok",
};

export function doctorText({ findings }: DoctorResult): string {
  const count = (verdict: FindingVerdict): number =>
    findings.filter((finding) => finding.verdict === verdict).length;
  const [bad, warnings, dark] = [count("wrong"), count("warning"), count("unknown")];
  const sum = `${findings.length} findings: ${bad} wrong, ${warnings} warnings, ${dark} unknown.`;
  return [...findings.flatMap(lines), "", sum].join("\n");
}

function lines({ id, verdict, evidence, meaning, remedy, fixed }: Finding): readonly string[] {
  const isBad = verdict === "wrong" || verdict === "warning";
  const [first = "", ...rest] = evidence.split("\n");
  return [
    `${marks[verdict].padEnd(8)} ${id.padEnd(20)} ${first}`,
    ...rest.map(indent),
    ...(isBad && meaning !== "" ? [indent(meaning)] : []),
    ...(remedy === "" ? [] : [indent(`Do: ${remedy}`)]),
    ...(fixed === undefined ? [] : [indent(`Fix: ${fixed}`)]),
  ];
}

const indent = (text: string): string => `${" ".repeat(30)}${text}`;
