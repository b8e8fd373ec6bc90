import { Fault, summarize } from "../../domain/fault.ts";
import type { RouteGroup } from "./door.ts";
import type { Settings } from "./options.ts";
import { answers, jsonOf, refusals } from "./schemas.ts";

const none = "This spotlive has no configuration file (a demo has none).";
const notRestartable = "Nothing starts spotlive again when it ends here. End it and start it by hand.";

/** The settings: every key as a form needs it, changes to them, and the restart from which on they count. */
export const configRoutes: RouteGroup = (app, { options }) => {
  const settings = (): Settings => {
    if (options.settings !== undefined) return options.settings;
    throw new Fault("not-supported", none);
  };

  app.get("/api/config", { config: { operation: readOperation } }, async () => {
    const { describe, restart } = settings();
    return { ...(await describe()), restartable: restart !== undefined };
  });

  app.put("/api/config", { config: { operation: changeOperation } }, async (request, reply) => {
    const problems = await settings().change(changesOf(request.body), request.by);
    if (problems.length === 0) return { ok: true, restartNeeded: true };
    const lines = problems.map(({ path, text }) => (path === "" ? text : `${path}: ${text}`));
    const fault = new Fault("config-invalid", `Nothing was changed. ${lines.join("; ")}`);
    return reply.code(400).send({ ok: false, fault: summarize(fault), problems });
  });

  app.post("/api/restart", { config: { operation: restartOperation } }, async (request, reply) => {
    const { restart } = settings();
    if (restart === undefined) throw new Fault("not-supported", notRestartable);
    reply.raw.once("close", () => restart(request.by));
    return { ok: true };
  });
};

function changesOf(body: unknown): unknown {
  if (typeof body === "object" && body !== null && "changes" in body) return body.changes;
  throw new Fault("malformed", 'Expected {"changes": {...}}, got something else.');
}

const readOperation = {
  summary: "The settings: every key with its meaning, its limits and its value, but no secret",
  responses: {
    ...answers(jsonOf("Configuration")),
    ...refusals({ 409: "There is no configuration file, or it cannot be read" }),
  },
};

const changeOperation = {
  summary: "Changes the configuration file, as a whole or not at all",
  description:
    "null takes a key out of the file. What says where a secret is sent needs that secret in the same change. It counts " +
    "from the next start on.",
  requestBody: { required: true, content: jsonOf("ConfigChange") },
  responses: {
    ...answers(jsonOf("ConfigChanged")),
    400: { description: "Something is wrong with it; nothing was changed", content: jsonOf("ConfigRefusal") },
    ...refusals({
      403: "The header x-spotlive-csrf is missing or wrong",
      409: "The file cannot be read or written",
      413: "The body is too long",
      415: "The body is not application/json",
    }),
  },
};

const restartOperation = {
  summary: "Ends spotlive, for systemd to start it again",
  responses: {
    ...answers(jsonOf("Alive")),
    ...refusals({
      403: "The header x-spotlive-csrf is missing or wrong",
      409: "Nothing would start it again",
    }),
  },
};
