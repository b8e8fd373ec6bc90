import { jsonOption, usage } from "./verb.ts";
import type { Verb } from "./verb.ts";

export const simulate: Verb = {
  name: "simulate",
  positionals: "WHAT",
  summary:
    "one thing around spotlive alone: robot (a Spot with a Spot CAM), ingest (Twitch-like) or broker (MQTT)",
  options: {
    set: {
      type: "string",
      multiple: true,
      value: "NAME=VALUE",
      doc: "a switch of the simulator, like fps=60 or lossPercent=1 (robot), mode=stall (ingest); may be repeated",
    },
    ...jsonOption,
  },
  async run({ positionals, texts, flag, print, signal }) {
    const [what] = positionals;
    if ((what !== "robot" && what !== "ingest" && what !== "broker") || positionals.length > 1)
      throw usage(`simulate takes robot, ingest or broker, got ${positionals.join(" ") || "nothing"}`);
    const { runSimulation } = await import("./simulate-run.ts");
    await runSimulation({ what, settings: texts("set"), json: flag("json"), print }, signal);
  },
};
