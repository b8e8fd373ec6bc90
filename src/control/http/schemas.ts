import { commandSchemas } from "./schemas-command.ts";
import { configSchemas } from "./schemas-config.ts";
import { historySchemas } from "./schemas-history.ts";
import { statusSchemas } from "./schemas-status.ts";

const fault = {
  type: "object",
  description: "What went wrong, in a sentence for a person and a code for a program",
  required: ["code", "message", "retryable"],
  properties: {
    code: { type: "string", pattern: "^[a-z-]+$" },
    message: { type: "string" },
    retryable: { type: "boolean", description: "Whether trying again can help" },
  },
  additionalProperties: false,
};

const accepted = {
  type: "object",
  required: ["ok", "id", "status"],
  properties: {
    ok: { const: true },
    id: { type: "string" },
    status: { $ref: "#/components/schemas/Status" },
  },
  additionalProperties: false,
};

/** The id is missing where the request was not understood. */
const refusal = {
  type: "object",
  required: ["ok", "fault"],
  properties: { ok: { const: false }, id: { type: "string" }, fault: { $ref: "#/components/schemas/Fault" } },
  additionalProperties: false,
};

/** `components.schemas` of the OpenAPI document (JSON Schema 2020-12). */
export const schemas = {
  ...statusSchemas,
  ...commandSchemas,
  ...historySchemas,
  ...configSchemas,
  Fault: fault,
  Refusal: refusal,
  Result: accepted,
  Session: {
    type: "object",
    required: ["protected", "by", "csrf", "version", "setup"],
    properties: {
      protected: { type: "boolean", description: "Whether credentials are needed" },
      by: { type: ["string", "null"], description: "Who is logged in; null: nobody, or nobody needs to be" },
      csrf: { type: ["string", "null"], description: "For the header x-spotlive-csrf" },
      version: { type: "string" },
      setup: { type: "boolean", description: "True while there is no configuration yet" },
    },
    additionalProperties: false,
  },
  Login: {
    type: "object",
    required: ["username", "password"],
    properties: {
      username: { type: "string", maxLength: 1024 },
      password: { type: "string", maxLength: 1024 },
    },
  },
  Doctor: {
    type: "object",
    required: ["version", "ok", "findings"],
    properties: {
      version: { const: 1 },
      ok: { type: "boolean", description: "False when at least one finding is `wrong`" },
      findings: { type: "array", items: { $ref: "#/components/schemas/DoctorFinding" } },
    },
    additionalProperties: false,
  },
  DoctorFinding: {
    type: "object",
    required: ["id", "verdict", "evidence", "meaning", "remedy"],
    properties: {
      id: { type: "string", description: "Unique: `internet-route`, `ingest:main`" },
      verdict: { enum: ["ok", "warning", "wrong", "unknown"] },
      evidence: { type: "string", description: "What was seen" },
      meaning: { type: "string", description: "Empty while all is well" },
      remedy: { type: "string", description: "Empty where there is nothing to do" },
    },
    additionalProperties: false,
  },
  Alive: {
    type: "object",
    required: ["ok"],
    properties: { ok: { const: true } },
    additionalProperties: false,
  },
  Readiness: {
    type: "object",
    required: ["ok", "phase", "reason"],
    properties: {
      ok: { type: "boolean" },
      phase: { $ref: "#/components/schemas/Phase" },
      reason: { type: "string" },
    },
    additionalProperties: false,
  },
};

/** The content of an answer or a request that is JSON of one schema. */
export function jsonOf(name: keyof typeof schemas): object {
  return { "application/json": { schema: { $ref: `#/components/schemas/${name}` } } };
}

export function answers(content: object): Record<string, object> {
  return { 200: { description: "Done", content } };
}

/** Answers by their HTTP status that all have the form of a refusal. */
export function refusals(descriptions: Readonly<Record<number, string>>): Record<string, object> {
  return Object.fromEntries(
    Object.entries(descriptions).map(([code, description]) => [
      code,
      { description, content: jsonOf("Refusal") },
    ]),
  );
}
