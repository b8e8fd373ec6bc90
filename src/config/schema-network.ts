import { list, optionalText } from "./keys.ts";

/** Which interface leads where. */
export const network = {
  uplinks: list(
    "interface-names",
    "The interfaces that lead to the internet, the most wanted one first, for spotlive uplinks, which moves the traffic to one that really carries it.",
  ),
};

/** In the group of the robot. */
export const robotInterface = optionalText(
  "The interface that the robot is on, like eth0: its pictures come over no other. Not set: whichever the routes say.",
  { env: "SPOTLIVE_SPOT_INTERFACE", format: "interface-name" },
);
