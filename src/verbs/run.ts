import { openConfigFile } from "../config/config-file.ts";
import { loadConfig } from "../config/load.ts";
import { configOption } from "./verb.ts";
import type { Verb } from "./verb.ts";

export const run: Verb = {
  name: "run",
  summary: "be the appliance: keep the camera live until told to stop",
  options: configOption,
  async run({ text, signal }) {
    const configFile = await openConfigFile(text("config"));
    const config = await loadConfig(text("config"));
    const { runAppliance } = await import("../main.ts");
    await runAppliance({ config, configFile }, signal);
  },
};
