import { loadConfig } from "../config/load.ts";
import { configOption } from "./verb.ts";
import type { Verb } from "./verb.ts";

export const run: Verb = {
  name: "run",
  summary: "be the appliance: keep the camera live until told to stop",
  options: configOption,
  async run({ text, signal }) {
    const configPath = text("config");
    const config = await loadConfig(configPath);
    const { runAppliance } = await import("../main.ts");
    await runAppliance({ config, ...(configPath !== undefined && { configPath }) }, signal);
  },
};
