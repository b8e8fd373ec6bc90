import { configOption } from "./verb.ts";
import type { Verb } from "./verb.ts";

export const uplinks: Verb = {
  name: "uplinks",
  summary:
    "keep the traffic on an uplink that carries the internet, and off the robot's port, until told to stop",
  options: configOption,
  async run({ text, print, signal }) {
    const { loadUplinkConfig } = await import("../config/uplink-config.ts");
    const { robotInterface, uplinks, targets, logLevel } = await loadUplinkConfig(text("config"));
    if (robotInterface === undefined && uplinks.length < 2)
      return print("There is nothing to do: spot.interface is not set, and uplinks lists fewer than two.");
    const { keepUplinks } = await import("../device/uplinks/keep-uplinks.ts");
    const { createLog, createMask } = await import("../lib/log.ts");
    const log = createLog({ level: logLevel, mask: createMask() }).child({ part: "uplinks" });
    const asked = targets.map(({ host, port }) => `${host}:${port}`).join(", ");
    if (uplinks.length > 1) log.info(`The uplinks are ${uplinks.join(", ")}; each is asked for ${asked}.`);
    if (robotInterface !== undefined) log.info(`No route to everywhere stays on ${robotInterface}.`);
    const tell = (severity: "info" | "warning", text: string): void =>
      log[severity === "info" ? "info" : "warn"](text);
    await keepUplinks({ robotInterface, uplinks, targets, tell }, signal);
  },
};
