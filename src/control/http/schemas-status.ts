import { bootMarkNames } from "../../domain/boot.ts";

/** The schemas of `domain/status.ts` and `domain/camera.ts`, as far as they are shown. */

const text = { type: "string" };
const number = { type: "number" };
const count = { type: "integer", minimum: 0 };
const texts = { type: "array", items: text };

type Properties = Readonly<Record<string, object>>;

/** An object with nothing but these properties, the optional ones last. */
function object(required: Properties, optional: Properties = {}): object {
  return {
    type: "object",
    required: Object.keys(required),
    properties: { ...required, ...optional },
    additionalProperties: false,
  };
}

const ref = (name: string): object => ({ $ref: `#/components/schemas/${name}` });

const link = {
  required: { name: text, state: ref("LinkState") },
  optional: { fault: ref("Fault"), retryInMs: number },
};

export const statusSchemas = {
  Phase: { enum: ["idle", "starting", "live", "holding", "retrying", "stopping"] },
  LinkState: { enum: ["idle", "connecting", "running", "waiting", "failed"] },
  AudioChoice: { enum: ["silent", "camera", "none"] },
  Settings: object({
    destinations: texts,
    bitrateCap: { type: ["integer", "null"], description: "Bits per second; null: no cap" },
    audio: ref("AudioChoice"),
  }),
  Camera: object(
    {
      can: { type: "array", items: { enum: ["bitrate", "idr", "ptz", "screens", "lights"] } },
      presets: texts,
    },
    {
      position: object({ pan: number, tilt: number, zoom: number }),
      screens: texts,
      screen: text,
      lights: { type: "number", minimum: 0, maximum: 1 },
    },
  ),
  SourceCounters: object({
    units: count,
    keyframes: count,
    bytes: count,
    packets: count,
    lostPackets: count,
    recoveredPackets: count,
    discardedPackets: count,
    droppedUnits: count,
    restarts: count,
    keyframeRequests: count,
  }),
  OutputCounters: object(
    {
      units: count,
      bytes: count,
      unsentBytes: count,
      latencyUs: object({ p50: number, p99: number }),
    },
    { acknowledgedBytes: count },
  ),
  QueueCounters: object({ units: count, bytes: count, milliseconds: number, droppedUnits: count }),
  Uplink: object(
    {
      delayMs: { ...number, description: "Milliseconds that a picture waits on this side" },
      roundTripMs: { ...number, description: "Milliseconds to the server and back when it was connected to" },
    },
    { capacity: { ...number, description: "Bits per second that it carried when it was last busy" } },
  ),
  Rate: object({
    target: { ...number, description: "Bits per second asked of the encoder" },
    ceiling: { ...number, description: "Most that is asked for" },
    reason: text,
  }),
  Path: { enum: ["copy", "transcode"], description: "As the camera made it, or encoded anew" },
  Finding: object(
    {
      rule: {
        enum: [
          ...["codec", "profile", "level", "size", "frame-rate", "bit-rate"],
          ...["idr-spacing", "b-frames", "parameter-sets", "audio"],
        ],
      },
      text,
    },
    {
      remedy: {
        enum: ["camera", "transcode", "configuration"],
        description: "Who can put a broken rule right; absent where the rule is kept",
      },
    },
  ),
  Verdict: object(
    {
      kind: { enum: ["copy", "ask-camera", "transcode"] },
      destination: { ...text, description: "Whose rules the stream was judged by" },
      findings: { type: "array", items: ref("Finding") },
    },
    {
      ask: object({}, { targetBitrate: count, idrInterval: count, refreshInterval: count }),
      target: object(
        {
          bitsPerSecond: count,
          idrSeconds: number,
          profile: { enum: ["constrained-baseline", "main", "high"] },
        },
        { width: count, height: count, fps: number },
      ),
    },
  ),
  Source: object(
    { ...link.required, fps: number, bitsPerSecond: number },
    { ...link.optional, counters: ref("SourceCounters") },
  ),
  Output: object(link.required, {
    ...link.optional,
    counters: ref("OutputCounters"),
    queue: ref("QueueCounters"),
    uplink: ref("Uplink"),
  }),
  Picture: object({ width: count, height: count, profile: text }),
  HealthItem: object(
    {
      name: { ...text, description: "Unique: `processor`, `supply voltage now`, `memory`" },
      kind: {
        enum: [
          ...["temperature", "throttling", "undervoltage", "power-mode", "cpu", "memory"],
          ...["pressure", "disk", "wear", "wifi", "clock"],
        ],
      },
      level: ref("HealthLevel"),
      shown: { ...text, description: "The value with its unit, for people" },
      advice: { ...text, description: "What it means and what to do; empty while all is well" },
    },
    {
      value: {
        ...number,
        description: "°C, volts, percent, MB or dBm by its kind; of a flag: 2 now, 1 since power-on",
      },
      isNow: { type: "boolean", description: "False where it was bad since power-on and is no longer" },
    },
  ),
  HealthLevel: { enum: ["ok", "warning", "critical", "unknown"] },
  Health: object({
    level: ref("HealthLevel"),
    strain: { ...count, description: "Steps by which a transcode is made smaller, as the board is hot" },
    items: { type: "array", items: ref("HealthItem") },
  }),
  BootMarks: {
    ...object({}, Object.fromEntries(bootMarkNames.map((name) => [name, { type: "number", minimum: 0 }]))),
    description: "When each was reached first, in seconds since power-on",
  },
  Status: object(
    {
      phase: ref("Phase"),
      reason: { ...text, description: "One plain sentence: why this phase" },
      desired: { enum: ["live", "idle"] },
      locked: { type: "boolean" },
      settings: ref("Settings"),
      sinceSeconds: { ...number, description: "Since this phase began" },
      source: ref("Source"),
      path: ref("Path"),
      outputs: { type: "array", items: ref("Output") },
      notices: { ...texts, description: "The newest last" },
    },
    {
      camera: ref("Camera"),
      picture: ref("Picture"),
      verdict: ref("Verdict"),
      rate: ref("Rate"),
      health: ref("Health"),
      boot: ref("BootMarks"),
    },
  ),
};
