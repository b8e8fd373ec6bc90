import type { Status } from "../../domain/status.ts";
import type { RouteGroup } from "./door.ts";
import { answers, jsonOf } from "./schemas.ts";

/** For whoever watches the process: is it alive, and does it do what is wanted of it? */
export const healthRoutes: RouteGroup = (app, { context }) => {
  app.get("/healthz", { config: { open: true, operation: aliveOperation } }, () => ({ ok: true }));
  app.get("/readyz", { config: { operation: readyOperation } }, (_request, reply) => {
    const { phase, reason, ...rest } = context.status();
    const ok = isReady({ phase, reason, ...rest });
    return reply.code(ok ? 200 : 503).send({ ok, phase, reason });
  });
};

/** Live, or idle because nobody wants it live: after a fault that ended the line for good it is not. */
export function isReady({ phase, desired, source, outputs }: Status): boolean {
  if (phase === "live") return true;
  const failed = source.state === "failed" || outputs.some(({ state }) => state === "failed");
  return phase === "idle" && desired === "idle" && !failed;
}

const aliveOperation = {
  summary: "Says that the process is alive; needs no credentials",
  security: [],
  responses: answers(jsonOf("Alive")),
};
const readyOperation = {
  summary: "Says whether the line is live, or idle because nobody wants it live",
  responses: {
    ...answers(jsonOf("Readiness")),
    503: { description: "Not ready; the reason says why", content: jsonOf("Readiness") },
  },
};
