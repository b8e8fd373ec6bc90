import type { Readable } from "node:stream";

/** A mark that was seen on a serial line. */
export interface Mark {
  /** What the pattern found, with its groups. */
  readonly match: RegExpExecArray;
  /** Milliseconds since the guest was switched on. */
  readonly atMs: number;
}

/** What a machine says on its serial line. */
export interface SerialLog {
  /** Everything so far. */
  readonly text: string;
  /**
   * Resolves with the first line, of those to come and those that came after the mark `after`, that the pattern finds
   * something in. Rejects when the machine has ended without it, or the signal aborts, with the last lines.
   */
  until(pattern: RegExp, signal: AbortSignal, after?: Mark): Promise<Mark>;
}

interface Line {
  readonly text: string;
  readonly atMs: number;
}

const linesInError = 25;

/** Reads a serial line from now on. */
export function followSerial(input: Readable): SerialLog {
  const beganMs = performance.now();
  const lines: Line[] = [];
  const listeners = new Set<() => void>();
  let [open, ended] = ["", false];
  const tell = (): void => {
    for (const listener of listeners) listener();
  };
  input.setEncoding("utf8");
  input.on("data", (piece: string) => {
    const texts = (open + piece).split(/\r*\n/);
    open = texts.pop() ?? "";
    for (const text of texts) lines.push({ text, atMs: performance.now() - beganMs });
    if (texts.length > 0) tell();
  });
  input.on("close", () => {
    ended = true;
    tell();
  });
  const last = (): string =>
    [...lines.slice(-linesInError).map(({ text }) => text), open]
      .join("\n")
      .replaceAll(/\x1b\[[\d;?]*\w/g, "");

  return {
    get text() {
      return [...lines.map(({ text }) => text), open].join("\n");
    },
    until: (pattern, signal, after) =>
      new Promise((resolve, reject) => {
        let at = after === undefined ? 0 : lines.findIndex(({ atMs }) => atMs > after.atMs);
        if (at < 0) at = lines.length;
        const done = (): void => {
          listeners.delete(look);
          signal.removeEventListener("abort", look);
        };
        const look = (): void => {
          for (; at < lines.length; at += 1) {
            const line = lines[at];
            const match = line && pattern.exec(line.text);
            if (!match) continue;
            done();
            resolve({ match, atMs: line.atMs });
            return;
          }
          if (!ended && !signal.aborted) return;
          done();
          const why = ended ? "ended" : "took too long";
          reject(new Error(`The guest ${why} before it said ${String(pattern)}. Its last lines:\n${last()}`));
        };
        listeners.add(look);
        signal.addEventListener("abort", look);
        look();
      }),
  };
}
