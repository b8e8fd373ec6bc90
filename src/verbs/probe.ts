import { loadConfig } from "../config/load.ts";
import { configOption, jsonOption, secondsOption } from "./verb.ts";
import type { Verb } from "./verb.ts";

const defaultSeconds = 10;
const longestSeconds = 3600;

export const probe: Verb = {
  name: "probe",
  summary: "say what the camera really sends, and whether it can be passed on as it is, with the reasons",
  options: { ...configOption, ...secondsOption, ...jsonOption },
  async run({ text, wholeNumber, flag, print, signal }) {
    const seconds = wholeNumber("seconds", longestSeconds) ?? defaultSeconds;
    const config = await loadConfig(text("config"));
    const { runProbe } = await import("./probe-run.ts");
    await runProbe(config, { seconds, json: flag("json"), print }, signal);
  },
};
