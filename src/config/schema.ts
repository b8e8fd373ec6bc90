import {
  about,
  choice,
  decimal,
  fileDoc,
  flag,
  maxOutputs,
  optionalText,
  optionalWholeNumber,
  port,
  secret,
  text,
  wholeNumber,
} from "./keys.ts";
import type { Group, Key } from "./keys.ts";
import { folders } from "./schema-folders.ts";
import { network, robotInterface } from "./schema-network.ts";
import { camera, chat, http, mqtt, preview } from "./schema-surfaces.ts";

const trust = (whose: string, env: string) => ({
  [about]: `Whose certificate ${whose} may show. At most one of the three; with none, this machine's list of authorities decides.`,
  caFile: optionalText("A PEM file with the authority (or the certificate itself).", {
    env: `${env}_CA_FILE`,
  }),
  fingerprint: optionalText("The SHA-256 fingerprint of the one certificate that is right.", {
    env: `${env}_FINGERPRINT`,
    format: "fingerprint",
  }),
  insecure: flag(
    false,
    "Accept any certificate. Whoever sits in between can read the password: for a bench only.",
    {
      env: `${env}_INSECURE`,
    },
  ),
});

const outputs: Key<readonly Record<string, unknown>[]> = {
  doc: `Where the picture goes: a list of at most ${maxOutputs} destinations, each fed on its own.`,
  default: [],
  format: "outputs",
  nullable: false,
  sensitive: false,
};

/**
 * Every key of the configuration: this is the convict schema, and the only place where a key, its default, its
 * environment name and its meaning are written down.
 */
export const schema = {
  [about]: "spotlive configuration.",
  source: choice(
    ["spot", "file", "rtsp"],
    "spot",
    "Where the picture comes from; only that group below counts.",
    { env: "SPOTLIVE_SOURCE" },
  ),
  spot: {
    [about]: "A Boston Dynamics Spot with a Spot CAM.",
    host: text("192.168.50.3", "The robot, as seen from a payload port.", { env: "SPOTLIVE_SPOT_HOST" }),
    port: wholeNumber(443, "The robot's gRPC port.", { env: "SPOTLIVE_SPOT_PORT", ...port }),
    cameraHost: optionalText(
      "The Spot CAM, where it is reached by an address of its own (192.168.50.6). Not set: host.",
      { env: "SPOTLIVE_SPOT_CAMERA_HOST" },
    ),
    cameraPort: wholeNumber(31_102, "The Spot CAM's HTTPS port.", {
      env: "SPOTLIVE_SPOT_CAMERA_PORT",
      ...port,
    }),
    interface: robotInterface,
    username: optionalText("A user of the robot. Either username and password, or payload.", {
      env: "SPOTLIVE_SPOT_USERNAME",
    }),
    password: secret(
      "Six wrong passwords lock the account: spotlive stops after the first. Better in a file.",
      {
        env: "SPOTLIVE_SPOT_PASSWORD",
      },
    ),
    passwordFile: optionalText(fileDoc("password"), { env: "SPOTLIVE_SPOT_PASSWORD_FILE" }),
    payload: {
      [about]: "Credentials of a payload, which an administrator authorizes once on the robot's web page.",
      guid: optionalText("The payload's GUID.", { env: "SPOTLIVE_SPOT_PAYLOAD_GUID" }),
      secret: secret("The payload's secret. Better in a file.", { env: "SPOTLIVE_SPOT_PAYLOAD_SECRET" }),
      secretFile: optionalText(fileDoc("payload's secret"), { env: "SPOTLIVE_SPOT_PAYLOAD_SECRET_FILE" }),
    },
    tls: trust("the robot", "SPOTLIVE_SPOT_TLS"),
    cameraTls: trust("the Spot CAM", "SPOTLIVE_SPOT_CAMERA_TLS"),
    bitrate: optionalWholeNumber("Bits per second asked of the camera. Not set: as the camera is.", {
      env: "SPOTLIVE_SPOT_BITRATE",
      min: 100_000,
      max: 50_000_000,
    }),
    idrSeconds: decimal(2, "Seconds between two IDR pictures asked of the camera; Twitch wants 2.", {
      env: "SPOTLIVE_SPOT_IDR_SECONDS",
      min: 0.5,
      max: 10,
    }),
    restoreOnExit: flag(
      true,
      "Put the encoder's settings back at the end as they were found: they are global on the robot.",
      { env: "SPOTLIVE_SPOT_RESTORE_ON_EXIT" },
    ),
    congestionControl: flag(
      true,
      "What the camera's own congestion control is set to at the end: it is off while spotlive steers the bit rate, and nobody can ask what it was.",
      { env: "SPOTLIVE_SPOT_CONGESTION_CONTROL" },
    ),
    onLoss: choice(
      ["freeze", "pass"],
      "freeze",
      "After a lost packet: freeze shows the last whole picture until the next IDR, pass sends the damaged ones.",
      { env: "SPOTLIVE_SPOT_ON_LOSS" },
    ),
  },
  file: {
    [about]: "An H.264 file, or anything ffmpeg reads, played at its own pace.",
    path: optionalText("The file.", { env: "SPOTLIVE_FILE_PATH" }),
    loop: flag(true, "Begin again at the end.", { env: "SPOTLIVE_FILE_LOOP" }),
  },
  rtsp: {
    [about]: "An RTSP camera.",
    url: secret("Its address, like rtsp://user:password@host/stream. A secret, as it may hold a password.", {
      env: "SPOTLIVE_RTSP_URL",
    }),
    urlFile: optionalText(fileDoc("address"), { env: "SPOTLIVE_RTSP_URL_FILE" }),
    transport: choice(["tcp", "udp"], "tcp", "How the packets travel.", { env: "SPOTLIVE_RTSP_TRANSPORT" }),
  },
  outputs,
  audio: choice(
    ["silent", "camera", "none"],
    "silent",
    "silent: a track of silence, which some services need; camera: the camera's microphones; none: no track.",
    { env: "SPOTLIVE_AUDIO" },
  ),
  queue: {
    [about]:
      "What may wait in front of one output when the uplink is too slow. Beyond it, pictures are dropped up to the next IDR.",
    bytes: wholeNumber(8_388_608, "Bytes.", { env: "SPOTLIVE_QUEUE_BYTES", min: 65_536, max: 268_435_456 }),
    milliseconds: wholeNumber(1200, "Milliseconds of picture.", {
      env: "SPOTLIVE_QUEUE_MILLISECONDS",
      min: 100,
      max: 60_000,
    }),
  },
  adapt: {
    [about]: "The bit rate follows what the slowest destination's uplink carries.",
    floor: wholeNumber(500_000, "Least bits per second asked of the camera, however slow the uplink.", {
      env: "SPOTLIVE_ADAPT_FLOOR",
      min: 100_000,
      max: 50_000_000,
    }),
  },
  hold: {
    [about]: "While the camera is away, its last picture goes on and the broadcast does not end.",
    max: decimal(600, "Longest time in seconds; then the broadcast ends. 0: not at all.", {
      env: "SPOTLIVE_HOLD_MAX",
      min: 0,
      max: 86_400,
    }),
  },
  transcode: {
    [about]: "Where the camera's stream does not fit and asking the camera has not helped.",
    allow: flag(true, "Encode the picture anew. It takes most of a small machine.", {
      env: "SPOTLIVE_TRANSCODE_ALLOW",
    }),
  },
  camera,
  http,
  preview,
  mqtt,
  chat,
  stallSeconds: decimal(10, "A source or an output that is open but silent this long counts as dead.", {
    env: "SPOTLIVE_STALL_SECONDS",
    min: 1,
    max: 300,
  }),
  autostart: choice(
    ["always", "last", "never"],
    "last",
    "What happens at power-on; last: as it was when the power went.",
    {
      env: "SPOTLIVE_AUTOSTART",
    },
  ),
  clockWaitSeconds: decimal(
    60,
    "A board without a battery clock wakes up in the past, where every certificate looks wrong: the longest wait for the right time.",
    { env: "SPOTLIVE_CLOCK_WAIT_SECONDS", min: 0, max: 3600 },
  ),
  ...network,
  ...folders,
  socketPath: optionalText(
    "Where start, stop and status reach the running spotlive. Not set: /run/spotlive/control.sock for root, else $XDG_RUNTIME_DIR/spotlive/control.sock.",
    { env: "SPOTLIVE_SOCKET_PATH" },
  ),
  logLevel: choice(
    ["trace", "debug", "info", "warn", "error"],
    "info",
    "The least important line that is logged.",
    {
      env: "SPOTLIVE_LOG_LEVEL",
    },
  ),
} as const satisfies Group;
