import { openConfigFile } from "../config/config-file.ts";
import type { ConfigFile } from "../config/config-file.ts";
import type { Config } from "../config/config.ts";
import { readSystemd } from "../config/systemd.ts";
import { toFault } from "../domain/fault.ts";
import { configOption } from "./verb.ts";
import type { Verb } from "./verb.ts";

export const run: Verb = {
  name: "run",
  summary: "be the appliance: keep the camera live until told to stop",
  options: configOption,
  async run({ text, signal }) {
    const configFile = await openConfigFile(text("config"));
    const config = await loadOrAsk(configFile, signal);
    if (config === undefined) return;
    const { runAppliance } = await import("../main.ts");
    await runAppliance({ config, configFile }, signal);
  },
};

/** The configuration, which a person makes on the page where there is none; undefined where this process is to end. */
async function loadOrAsk(configFile: ConfigFile, signal: AbortSignal): Promise<Config | undefined> {
  try {
    return await configFile.load();
  } catch (error) {
    if (await configFile.exists()) throw error;
    const { runFirstRun } = await import("../first-run.ts");
    await runFirstRun(configFile, toFault(error), signal);
    // systemd has been told that this is the end, and starts spotlive again.
    return signal.aborted || readSystemd().notifySocket !== undefined ? undefined : await configFile.load();
  }
}
