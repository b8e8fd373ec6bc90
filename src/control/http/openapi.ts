import type { FastifyInstance } from "fastify";
import { cookieName } from "./access.ts";
import { isProtected } from "./options.ts";
import type { HttpOptions } from "./options.ts";
import { refusals, schemas } from "./schemas.ts";

/** An operation object of OpenAPI 3.1. */
export interface Operation {
  readonly summary: string;
  readonly responses: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** What the OpenAPI document says about the route; a route without it is not in the document. */
    readonly operation?: Operation;
  }
}

/** Serves the document that is made from the routes which are added after this call, so that it cannot differ from them. */
export function serveDocument(app: FastifyInstance, options: HttpOptions): void {
  const paths: Record<string, Record<string, Operation>> = {};
  const credentials = isProtected(options)
    ? refusals({ 401: "Credentials are missing or wrong", 429: "Too many wrong logins" })
    : {};
  app.addHook("onRoute", ({ url, method, config }) => {
    const operation = config?.operation;
    if (operation === undefined || typeof method !== "string") return;
    const responses =
      config?.open === true ? operation.responses : { ...credentials, ...operation.responses };
    (paths[url] ??= {})[method.toLowerCase()] = { ...operation, responses };
  });
  app.get("/api/openapi.json", { config: { operation: documentOperation } }, () => ({
    openapi: "3.1.0",
    info: { title: "spotlive", version: options.version, description: "Keeps a robot's camera live." },
    paths,
    components: { schemas, ...(isProtected(options) && { securitySchemes: securitySchemes(options) }) },
    security: Object.keys(securitySchemes(options)).map((name) => ({ [name]: [] })),
  }));
}

function securitySchemes({ password, token }: HttpOptions): Record<string, object> {
  return {
    ...(password !== undefined && { password: { type: "http", scheme: "basic" } }),
    ...(token !== undefined && { token: { type: "http", scheme: "bearer" } }),
    ...((password ?? token) !== undefined && {
      session: { type: "apiKey", in: "cookie", name: cookieName },
    }),
  };
}

const documentOperation: Operation = {
  summary: "This document",
  responses: {
    200: { description: "OpenAPI 3.1", content: { "application/json": { schema: { type: "object" } } } },
  },
};
