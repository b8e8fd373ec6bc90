/** The schemas of `history.ts` and `../journal.ts`. */

const text = { type: "string" };
const number = { type: "number" };
const perhaps = { type: ["number", "null"] };
const time = { ...number, description: "Unix time, milliseconds" };

function object(properties: Readonly<Record<string, object>>): object {
  return { type: "object", required: Object.keys(properties), properties, additionalProperties: false };
}

const list = (items: object, maxItems: number): object => ({ type: "array", items, maxItems });

export const historySchemas = {
  Sample: object({
    t: time,
    bitsPerSecond: number,
    target: { ...perhaps, description: "Bits per second asked of the encoder" },
    capacity: { ...perhaps, description: "Bits per second that the slowest uplink carried when last busy" },
    delayMs: { ...perhaps, description: "Milliseconds that a picture waits on this side" },
    fps: number,
    droppedPerSecond: number,
    lostPerSecond: number,
    rttMs: { ...perhaps, description: "null while nothing measures it" },
    temperature: { ...perhaps, description: "°C" },
  }),
  History: object({
    stepSeconds: number,
    now: time,
    samples: list({ $ref: "#/components/schemas/Sample" }, 600),
  }),
  Journal: object({
    events: list(
      object({ t: time, type: text, severity: { enum: ["info", "warning", "error"] }, text }),
      200,
    ),
    audit: list(
      object({
        ...{ t: time, origin: text, by: { type: ["string", "null"] }, command: text },
        ...{ ok: { type: "boolean" }, text },
      }),
      200,
    ),
  }),
};
