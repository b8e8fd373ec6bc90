import { jsonOption, usage } from "./verb.ts";
import type { Verb } from "./verb.ts";

export const simulate: Verb = {
  name: "simulate",
  positionals: "robot|ingest",
  summary: "one of the two ends alone: a Spot with a Spot CAM, or a Twitch-like ingest",
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
    if ((what !== "robot" && what !== "ingest") || positionals.length > 1)
      throw usage(`simulate takes robot or ingest, got ${positionals.join(" ") || "nothing"}`);
    const { runSimulation } = await import("./simulate-run.ts");
    await runSimulation({ what, settings: texts("set"), json: flag("json"), print }, signal);
  },
};
