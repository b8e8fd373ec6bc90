import { optionalText } from "./keys.ts";

/** Where things lie on this machine. */
export const folders = {
  stateDirectory: optionalText(
    "What is remembered over power-off. Not set: /var/lib/spotlive for root, else ~/.local/state/spotlive.",
    { env: "SPOTLIVE_STATE_DIRECTORY" },
  ),
  bootDirectory: optionalText(
    "The boot partition of a device without a screen: boot-report.txt is kept there. Not set: there is none.",
    { env: "SPOTLIVE_BOOT_DIRECTORY" },
  ),
};
