import { loadConfig } from "../config/load.ts";
import { Fault } from "../domain/fault.ts";
import { configOption, usage } from "./verb.ts";
import type { Verb } from "./verb.ts";

export const twitch: Verb = {
  name: "twitch",
  positionals: "login",
  summary: "log the chat bot in: prints an address and a code, and waits until it was entered",
  options: configOption,
  async run({ positionals, text, print, signal }) {
    if (positionals.join(" ") !== "login")
      throw usage(`twitch takes login, got ${positionals.join(" ") || "nothing"}`);
    const config = await loadConfig(text("config"));
    if (config.chat === undefined)
      throw new Fault(
        "config-invalid",
        "There is no chat bot in the configuration: set chat.channel and chat.clientId.",
      );
    const { logInToTwitch } = await import("../control/chat/device-login.ts");
    const { chatTokenPath } = await import("../surfaces.ts");
    await logInToTwitch({ clientId: config.chat.clientId, tokenPath: chatTokenPath(config), print }, signal);
  },
};
