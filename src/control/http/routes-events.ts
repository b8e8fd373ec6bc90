import { Fault, summarize } from "../../domain/fault.ts";
import type { RouteGroup } from "./door.ts";
import { refusals } from "./schemas.ts";

/** Server-sent events: the full status first, then everything that happens. */
export const eventRoutes: RouteGroup = (app, { feed, options }) => {
  app.get("/api/events", { config: { operation } }, (request, reply) => {
    if (feed.clients >= options.maxEventClients) {
      const text = `All ${options.maxEventClients} places of the event stream are taken. Close another client first.`;
      return reply
        .code(503)
        .header("retry-after", 5)
        .send({ ok: false, fault: summarize(new Fault("rate-limited", text)) });
    }
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      "content-type": "text/event-stream; charset=utf-8",
      "x-accel-buffering": "no", // nginx would keep events until its buffer is full
    });
    feed.join(raw, request.session?.ended);
    return reply;
  });
};

const operation = {
  summary: "What happens, as server-sent events",
  description:
    "The first event is `status` with the full status; it comes again every 10 s. The others have the `type` of a " +
    "StatusEvent as their name and the event as their data, but for `sample`, one a second as in /api/history, and " +
    "`journal`, a new entry of /api/journal as `event` or `audit`. A client that does not read is disconnected.",
  responses: {
    200: {
      description: "A stream without end",
      content: { "text/event-stream": { schema: { type: "string" } } },
    },
    ...refusals({ 503: "Too many clients" }),
  },
};
