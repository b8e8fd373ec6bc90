import type { FaultCode, FaultSummary } from "../../domain/fault.ts";
import type { Status } from "../../domain/status.ts";
import type { ChatCommand } from "./parse-line.ts";
import type { Outcome, Tally } from "./vote.ts";

/** Twitch's limit for one line. */
const mostCharacters = 500;

/** What is said in chat is one line without control characters, never a chat command, and at most 500 characters. */
export function plainLine(text: string): string {
  const line = text.replaceAll(/[\s\p{C}]+/gu, " ").trim();
  // A line that begins with / or . is a command to Twitch.
  const harmless = /^[/.]/.test(line) ? `- ${line}` : line;
  return harmless.length <= mostCharacters
    ? harmless
    : `${harmless.slice(0, mostCharacters - 3).toWellFormed()}...`;
}

/** Faults that are about what was asked. The text of any other may name hosts, which are nobody's business in chat. */
const askersFaults: ReadonlySet<FaultCode> = new Set<FaultCode>([
  "usage",
  "expired",
  "locked",
  "rate-limited",
  "not-supported",
  "not-permitted",
  "not-running",
]);

export function describeFault(fault: FaultSummary): string {
  return askersFaults.has(fault.code) ? fault.message : `It failed (${fault.code}).`;
}

/** One line about the whole: what it does, how much flows, what is wrong. */
export function describeStatus(status: Status): string {
  const { source, picture } = status;
  const flowing =
    status.phase === "live" && picture !== undefined
      ? `, ${picture.width}x${picture.height} at ${source.fps.toFixed(0)} fps, ${megabits(source.bitsPerSecond)}`
      : "";
  const outputs = status.outputs.map(({ name, state }) => `${name} ${state}`).join(", ");
  const faults = [source, ...status.outputs].flatMap(({ fault }) =>
    fault === undefined ? [] : [fault.code],
  );
  return [
    `The line is ${status.phase} for ${duration(status.sinceSeconds)}${flowing}.`,
    ...(outputs === "" ? [] : [`Outputs: ${outputs}.`]),
    ...(faults.length === 0 ? [] : [`Wrong: ${[...new Set(faults)].join(", ")}.`]),
    ...(status.locked ? ["The camera is locked."] : []),
  ].join(" ");
}

export function describeBitrate({ source, settings }: Status): string {
  const cap = settings.bitrateCap === null ? "no cap" : `the cap is ${megabits(settings.bitrateCap)}`;
  return `The camera sends ${megabits(source.bitsPerSecond)}; ${cap}.`;
}

/** What is said when a command was accepted; undefined where the picture itself is the answer. */
export function describeSuccess(command: ChatCommand, status: Status): string | undefined {
  switch (command.name) {
    case "start":
      return status.phase === "live" ? "The line is live." : "The line starts.";
    case "stop":
      return status.phase === "idle" ? "The line is stopped." : "The line stops.";
    case "restart":
      return "The line restarts.";
    case "clip":
      return `The last ${command.seconds} seconds become a clip.`;
    case "setBitrate":
      return command.bitrateCap === null
        ? "The bitrate has no cap."
        : `The bitrate's cap is ${megabits(command.bitrateCap)}.`;
    case "lock":
      return "The camera is locked: chat cannot move it until unlock.";
    case "unlock":
      return "The camera is unlocked.";
    default:
      return undefined;
  }
}

export function describeOutcome(outcome: Outcome): string {
  switch (outcome.kind) {
    case "won":
      return `The vote is for ${outcome.choice.label}: ${outcome.votes} of ${outcome.total}.`;
    case "tied":
      return `The vote is a tie (${outcome.labels.slice(0, 5).join(", ")}): nothing moves.`;
    case "too-few":
      return `The vote moves nothing: ${outcome.total} voted, ${outcome.needed} are needed.`;
  }
}

export function describeTally(tally: readonly Tally[]): string {
  return tally.length === 0
    ? "There is no vote now."
    : `So far: ${tally
        .slice(0, 8)
        .map(({ label, votes }) => `${label} ${votes}`)
        .join(", ")}.`;
}

export function duration(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

function megabits(bitsPerSecond: number): string {
  return `${(bitsPerSecond / 1e6).toFixed(1)} Mbit/s`;
}
