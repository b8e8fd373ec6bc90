import type { FastifyInstance } from "fastify";
import type { SurfaceContext } from "../surface.ts";
import { createAccess } from "./access.ts";
import type { RouteGroup } from "./door.ts";
import { createFeed } from "./feed.ts";
import { guard } from "./guard.ts";
import type { History } from "./history.ts";
import { createMetrics } from "./metrics.ts";
import { serveDocument } from "./openapi.ts";
import type { HttpOptions } from "./options.ts";
import { maxBodyBytes, refuseInOneForm, refuseRaw, refuseUnfit } from "./refusal.ts";
import { apiRoutes } from "./routes-api.ts";
import { configRoutes } from "./routes-config.ts";
import { doctorRoutes } from "./routes-doctor.ts";
import { eventRoutes } from "./routes-events.ts";
import { healthRoutes } from "./routes-health.ts";
import { historyRoutes } from "./routes-history.ts";
import { metricsRoutes } from "./routes-metrics.ts";
import { pageRoutes } from "./routes-page.ts";
import { acceptWebsockets, previewRoutes } from "./routes-preview.ts";
import { sessionRoutes } from "./routes-session.ts";
import { setupRoutes } from "./routes-setup.ts";

/** All that is served; what comes later is a new file and a line here. */
const routeGroups: readonly RouteGroup[] = [
  apiRoutes,
  eventRoutes,
  metricsRoutes,
  historyRoutes,
  doctorRoutes,
  configRoutes,
  setupRoutes,
  healthRoutes,
  sessionRoutes,
  previewRoutes,
  pageRoutes,
];

const requestMs = 5000;
const otherConnections = 64;

/** Makes the server, ready to listen; what it listens to inside ends with `signal`. Closing it closes every connection. */
export async function createServer(
  options: HttpOptions,
  context: SurfaceContext,
  history: History,
  signal: AbortSignal,
): Promise<FastifyInstance> {
  const { fastify } = await import("fastify"); // tens of megabytes that a line without HTTP does not pay
  const app = fastify({
    logger: false,
    bodyLimit: maxBodyBytes,
    requestTimeout: requestMs,
    keepAliveTimeout: requestMs,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    http: { headersTimeout: requestMs, connectionsCheckingInterval: 1000, maxHeaderSize: 8192 },
    clientErrorHandler: refuseRaw,
    frameworkErrors: (_error, _request, reply) => refuseUnfit(reply),
  });
  app.server.maxConnections = otherConnections + options.maxEventClients;
  if (options.preview !== undefined) await acceptWebsockets(app);
  app.removeContentTypeParser("text/plain"); // a form of another site could send it without asking first
  const access = createAccess(options);
  guard(app, options, access);
  refuseInOneForm(app, context.log);
  serveDocument(app, options);
  const { journal, version, preview } = options;
  const feed = createFeed({ context, history, journal }, signal);
  const metrics = await createMetrics({ context, feed, version, preview }, signal);
  for (const addRoutes of routeGroups)
    addRoutes(app, { context, options, access, feed, metrics, history, journal, signal });
  return app;
}
