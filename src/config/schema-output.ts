import { about, fileDoc, flag, optionalChoice, optionalText, secret, text } from "./keys.ts";
import type { Group } from "./keys.ts";

/** One destination. The environment variables count only where the file lists one output or none. */
export const outputSchema = {
  [about]: "One destination.",
  name: text("main", "What this output is called in status and logs; every output needs its own name.", {
    env: "SPOTLIVE_OUTPUT_NAME",
    format: "output-name",
  }),
  kind: optionalChoice(
    ["twitch", "rtmp", "whip"],
    "Twitch, any RTMP server, or a media server that takes WebRTC (WHIP). Not set: as url begins, or twitch where there is none.",
    {
      env: "SPOTLIVE_OUTPUT_KIND",
    },
  ),
  url: optionalText(
    "rtmp: the server and its application, like rtmps://live.example.org/app. whip: the address to publish to, like https://live.example.org/spot/whip.",
    { env: "SPOTLIVE_RTMP_URL", format: "output-address" },
  ),
  streamKey: secret(
    "The stream key. whip: the bearer token, where the server wants one. Better in a file (streamKeyFile).",
    { env: "SPOTLIVE_STREAM_KEY" },
  ),
  streamKeyFile: optionalText(fileDoc("stream key"), { env: "SPOTLIVE_STREAM_KEY_FILE" }),
  ingest: text("auto", "twitch: auto takes the nearest ingest that answers; an address takes that one.", {
    env: "SPOTLIVE_TWITCH_INGEST",
    format: "ingest",
  }),
  bandwidthTest: flag(false, "twitch: send as a test that is not shown on the channel.", {
    env: "SPOTLIVE_TWITCH_BANDWIDTH_TEST",
  }),
  rules: optionalChoice(
    ["twitch", "youtube", "generic", "webrtc"],
    "Whose rules the stream must keep. Not set: twitch for kind twitch, webrtc for kind whip, youtube for a YouTube address, else generic.",
    { env: "SPOTLIVE_OUTPUT_RULES" },
  ),
  onSizeChange: optionalChoice(
    ["republish", "inband"],
    "When the picture's size changes: republish begins a new broadcast, inband goes on with a new header. Not set: inband for generic rules, else republish. whip: always inband.",
    { env: "SPOTLIVE_OUTPUT_ON_SIZE_CHANGE" },
  ),
  caFile: optionalText(
    "rtmps, https: a PEM file with the authority of a server that has a private certificate.",
    {
      env: "SPOTLIVE_OUTPUT_CA_FILE",
    },
  ),
} as const satisfies Group;
