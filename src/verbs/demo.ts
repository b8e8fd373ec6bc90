import { jsonOption, secondsOption } from "./verb.ts";
import type { Verb } from "./verb.ts";

const longestSeconds = 86_400;

export const demo: Verb = {
  name: "demo",
  summary: "the whole line on this machine: a simulated robot, an ingest, and spotlive between them",
  options: { ...secondsOption, ...jsonOption },
  async run({ wholeNumber, flag, print, signal }) {
    const seconds = wholeNumber("seconds", longestSeconds);
    const { runDemo } = await import("./demo-run.ts");
    await runDemo({ seconds, json: flag("json"), print }, signal);
  },
};
