import type { FastifyInstance } from "fastify";
import type { Journal } from "../journal.ts";
import type { SurfaceContext } from "../surface.ts";
import type { Access } from "./access.ts";
import type { Feed } from "./feed.ts";
import type { History } from "./history.ts";
import type { Metrics } from "./metrics.ts";
import type { HttpOptions } from "./options.ts";

/** What the routes share. */
export interface Door {
  readonly context: SurfaceContext;
  readonly options: HttpOptions;
  readonly access: Access;
  readonly feed: Feed;
  readonly metrics: Metrics;
  readonly history: History;
  readonly journal: Journal;
  /** Aborts when the surface ends. */
  readonly signal: AbortSignal;
}

/** Adds some routes; one file each. A route says in `config.operation` what the OpenAPI document says about it. */
export type RouteGroup = (app: FastifyInstance, door: Door) => void;
