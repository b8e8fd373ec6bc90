import type { RouteGroup } from "./door.ts";

/** For Prometheus (text format 0.0.4). */
export const metricsRoutes: RouteGroup = (app, { metrics }) => {
  app.get("/metrics", { config: { operation } }, async (_request, reply) => {
    const text = await metrics.text();
    return reply.type(metrics.contentType).send(text);
  });
};

const operation = {
  summary: "Counters and gauges for Prometheus",
  responses: {
    200: {
      description: "Metrics in Prometheus text format",
      content: { "text/plain": { schema: { type: "string" } } },
    },
  },
};
