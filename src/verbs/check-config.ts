import { loadConfig } from "../config/load.ts";
import { configOption } from "./verb.ts";
import type { Verb } from "./verb.ts";

export const checkConfig: Verb = {
  name: "check-config",
  summary: "check the configuration and say everything that is wrong with it",
  options: configOption,
  async run({ text, print }) {
    const { source, outputs } = await loadConfig(text("config"));
    const names = outputs.map(({ name, kind }) => `${name} (${kind})`);
    print(`The configuration is right: source ${source.kind}, outputs ${names.join(", ") || "none"}.`);
  },
};
