import {
  about,
  choice,
  decimal,
  fileDoc,
  flag,
  list,
  optionalText,
  optionalWholeNumber,
  port,
  secret,
  text,
  wholeNumber,
} from "./keys.ts";
import type { Group } from "./keys.ts";

/** Keys of everything that reaches in from outside: HTTP, MQTT, Twitch chat. */
export const http = {
  [about]: "The HTTP interface: status, commands, events, metrics.",
  port: optionalWholeNumber("Its port. Not set: there is none.", { env: "SPOTLIVE_HTTP_PORT", ...port }),
  host: text(
    "127.0.0.1",
    "The address to listen on. Any other than this machine's own needs a password or a token.",
    {
      env: "SPOTLIVE_HTTP_HOST",
    },
  ),
  username: text("spotlive", "Who logs in with the password.", { env: "SPOTLIVE_HTTP_USERNAME" }),
  password: secret("For people. Better in a file.", { env: "SPOTLIVE_HTTP_PASSWORD" }),
  passwordFile: optionalText(fileDoc("password"), { env: "SPOTLIVE_HTTP_PASSWORD_FILE" }),
  token: secret("For programs (Authorization: Bearer). Better in a file.", { env: "SPOTLIVE_HTTP_TOKEN" }),
  tokenFile: optionalText(fileDoc("token"), { env: "SPOTLIVE_HTTP_TOKEN_FILE" }),
  allowedHosts: list("host-names", "Names by which a proxy on this machine passes requests on."),
} as const satisfies Group;

export const preview = {
  [about]: "The camera's picture in browsers, over the HTTP interface.",
  maxViewers: wholeNumber(4, "How many may look on at one time. 0: nobody, and no preview.", {
    env: "SPOTLIVE_PREVIEW_MAX_VIEWERS",
    min: 0,
    max: 16,
  }),
} as const satisfies Group;

export const mqtt = {
  [about]: "An MQTT broker, and through it Home Assistant.",
  url: optionalText(
    "The broker, like mqtts://broker.example.org; several with commas between. Not set: no MQTT.",
    {
      env: "SPOTLIVE_MQTT_URL",
      format: "broker-addresses",
    },
  ),
  username: optionalText("The broker's user.", { env: "SPOTLIVE_MQTT_USERNAME" }),
  password: secret("Its password. Better in a file.", { env: "SPOTLIVE_MQTT_PASSWORD" }),
  passwordFile: optionalText(fileDoc("password"), { env: "SPOTLIVE_MQTT_PASSWORD_FILE" }),
  caFile: optionalText("mqtts: a PEM file with the authority of a broker that has a private certificate.", {
    env: "SPOTLIVE_MQTT_CA_FILE",
  }),
  certificateFile: optionalText("mqtts: a PEM file with our certificate, where the broker wants one.", {
    env: "SPOTLIVE_MQTT_CERTIFICATE_FILE",
  }),
  keyFile: optionalText("mqtts: a PEM file with its private key.", { env: "SPOTLIVE_MQTT_KEY_FILE" }),
  deviceId: optionalText("This device's name in every topic. Not set: made from this machine's own id.", {
    env: "SPOTLIVE_MQTT_DEVICE_ID",
    format: "output-name",
  }),
  baseTopic: text("spotlive", "The first part of every topic.", { env: "SPOTLIVE_MQTT_BASE_TOPIC" }),
  homeAssistant: flag(true, "Tell Home Assistant about this device; false takes it away again.", {
    env: "SPOTLIVE_MQTT_HOME_ASSISTANT",
  }),
  discoveryPrefix: text("homeassistant", "Where Home Assistant looks for devices.", {
    env: "SPOTLIVE_MQTT_DISCOVERY_PREFIX",
  }),
} as const satisfies Group;

export const chat = {
  [about]: "A bot in a Twitch channel's chat. Log in once with: spotlive twitch login",
  channel: optionalText("The channel's name. Not set: no bot.", { env: "SPOTLIVE_CHAT_CHANNEL" }),
  clientId: optionalText("The client id of a public application of yours, from dev.twitch.tv.", {
    env: "SPOTLIVE_CHAT_CLIENT_ID",
  }),
  transport: choice(["eventsub", "irc"], "eventsub", "How chat is read and written.", {
    env: "SPOTLIVE_CHAT_TRANSPORT",
  }),
  permissions: list(
    "permissions",
    "Who may use a command, where that differs: like cam=everyone. Tiers: broadcaster, moderator, vip, subscriber, everyone.",
  ),
  vote: flag(
    false,
    "Camera commands of everyone are votes: the most wanted one of each window is carried out.",
    {
      env: "SPOTLIVE_CHAT_VOTE",
    },
  ),
  voteSeconds: decimal(10, "How long one vote is open.", {
    env: "SPOTLIVE_CHAT_VOTE_SECONDS",
    min: 3,
    max: 120,
  }),
  minimumVotes: wholeNumber(1, "Fewer votes than this move nothing.", {
    env: "SPOTLIVE_CHAT_MINIMUM_VOTES",
    min: 1,
    max: 1000,
  }),
} as const satisfies Group;

export const camera = {
  [about]: "Where the camera can be sent by name.",
  presets: list("presets", "Positions, each with a name: {name: home, pan: 0, tilt: 10, zoom: 1}."),
} as const satisfies Group;
