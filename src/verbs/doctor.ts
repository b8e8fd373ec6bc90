import { configOption, jsonOption } from "./verb.ts";
import type { Verb } from "./verb.ts";

export const doctor: Verb = {
  name: "doctor",
  summary: "look at everything the line needs, say what is wrong and what to do about it",
  options: {
    ...configOption,
    fix: { type: "boolean", doc: "put right what can safely be put right, and say what was done" },
    bandwidth: {
      type: "string",
      value: "NAME",
      doc: "publish to this output for 10 s and measure it; only on Twitch does nobody see that",
    },
    root: {
      type: "string",
      value: "DIR",
      doc: "look at the files of another machine in DIR; its network and programs are left out",
    },
    ...jsonOption,
  },
  async run({ text, flag, print, signal }) {
    const { resolve } = await import("node:path");
    const { runDoctor } = await import("./doctor/doctor-run.ts");
    const options = { root: resolve(text("root") ?? "/"), configPath: text("config") };
    const bandwidth = text("bandwidth");
    await runDoctor({ ...options, bandwidth, fix: flag("fix"), json: flag("json"), print }, signal);
  },
};
