import { stateDirectoryToUse } from "../config/paths.ts";
import { jsonOption } from "./verb.ts";
import type { Verb } from "./verb.ts";

export const profile: Verb = {
  name: "profile",
  summary: "say which board this is, what it encodes with, and why nothing else was chosen",
  options: {
    root: {
      type: "string",
      value: "DIR",
      doc: "look at the files of another board in DIR; its hardware cannot be tried from here",
    },
    state: { type: "string" },
    fresh: { type: "boolean", doc: "try everything again instead of taking the last proof" },
    ...jsonOption,
  },
  async run({ text, flag, print, signal }) {
    const { resolve } = await import("node:path");
    const { boardOptions } = await import("../board.ts");
    const { proveBoard } = await import("../boards/prove-board.ts");
    const { profileResult, profileText } = await import("./profile-text.ts");
    const options = boardOptions(text("state") ?? stateDirectoryToUse(), resolve(text("root") ?? "/"));
    const report = await proveBoard({ ...options, fresh: flag("fresh") }, signal);
    const result = profileResult(report, options.root);
    print(flag("json") ? JSON.stringify(result) : profileText(result));
  },
};
