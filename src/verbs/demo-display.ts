import type { Status } from "../domain/status.ts";
import type { IngestReport } from "../simulator/ingest-judge.ts";

export interface Display {
  show(line: string): void;
  end(): void;
}

/** One line that is written over again on a terminal, plain lines elsewhere, nothing without `print`. */
export function createDisplay(print: ((line: string) => void) | undefined): Display {
  if (print === undefined) return { show() {}, end() {} };
  if (!process.stdout.isTTY) return { show: print, end() {} };
  let shown = false;
  return {
    show(line) {
      shown = true;
      const width = process.stdout.columns - 1;
      process.stdout.write(`\r\u001B[2K${line.slice(0, width)}`);
    },
    end() {
      if (shown) process.stdout.write("\n");
    },
  };
}

/** Phase, rate, queue and drops in one line. */
export function describeStatus(status: Status, report: IngestReport | undefined): string {
  const { source, outputs } = status;
  const [output] = outputs;
  const dropped = (source.counters?.droppedUnits ?? 0) + (output?.queue?.droppedUnits ?? 0);
  const waiting = Math.round(output?.queue?.milliseconds ?? 0);
  const lost = source.counters?.lostPackets ?? 0;
  return [
    status.phase.padEnd(8),
    `${source.fps.toFixed(1)} fps`,
    `${(source.bitsPerSecond / 1e6).toFixed(2)} Mbit/s`,
    `queue ${waiting} ms`,
    `${lost} packets lost`,
    `${dropped} pictures dropped`,
    `${report?.frames ?? 0} at the ingest`,
  ].join(" | ");
}
