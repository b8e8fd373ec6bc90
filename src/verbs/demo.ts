import { childSignal } from "../lib/signals.ts";
import { jsonOption, secondsOption, usage } from "./verb.ts";
import type { Verb } from "./verb.ts";

const longestSeconds = 86_400;
const leastRate = 64_000;
const greatestRate = 1_000_000_000;

export const demo: Verb = {
  name: "demo",
  summary: "the whole line on this machine: a simulated robot, an ingest, and spotlive between them",
  options: {
    ...secondsOption,
    uplink: {
      type: "string",
      value: "RATE",
      doc: "put a line of this many bits per second before the ingest, like 1500k or 1.5M",
    },
    ...jsonOption,
    outside: { type: "string" },
  },
  async run({ wholeNumber, text, flag, print, signal }) {
    const seconds = wholeNumber("seconds", longestSeconds);
    const rate = text("uplink");
    const bitsPerSecond = rate === undefined ? undefined : readRate(rate);
    const outside = text("outside");
    if (bitsPerSecond !== undefined && outside === undefined) {
      const { runInNewNamespace } = await import("./demo-uplink.ts");
      return await runInNewNamespace(signal);
    }
    using scope = childSignal(signal);
    if (outside !== undefined) process.stdin.once("end", scope.abort).resume();
    const uplink =
      bitsPerSecond === undefined || outside === undefined ? undefined : { bitsPerSecond, outside };
    const { runDemo } = await import("./demo-run.ts");
    await runDemo({ seconds, json: flag("json"), uplink, print }, scope.signal);
  },
};

/** Reads `1500k`, `1.5M` or `1500000` as bits per second, 64 kbit/s to 1 Gbit/s; throws a `Fault` (`usage`) for anything else. */
export function readRate(given: string): number {
  const [, number = "", unit = ""] = /^(\d{1,10}(?:\.\d{1,6})?)([kM]?)$/.exec(given) ?? [];
  const rate = Math.round(Number(number) * { k: 1e3, M: 1e6, "": 1 }[unit as "k" | "M" | ""]);
  if (rate >= leastRate && rate <= greatestRate) return rate;
  throw usage(
    `--uplink takes bits per second from 64k to 1000M, like 1500k or 1.5M, got ${JSON.stringify(given.slice(0, 40))}`,
  );
}
