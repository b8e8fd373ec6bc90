import { join } from "node:path";
import type { FastifyReply } from "fastify";
import type { RouteGroup } from "./door.ts";
import { readPageFile } from "./page-files.ts";
import type { PageFile } from "./page-files.ts";

/** Everything comes from here, nothing is written into the page: no script or style of anybody else's runs in it. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "media-src 'self' blob: mediastream:",
  "connect-src 'self'",
  "font-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

/** The page asks nobody for a camera or a microphone: pictures only come to it. */
const permissions = "camera=(), microphone=(), geolocation=(), usb=(), serial=()";

const notBuilt =
  "The page of spotlive has not been built here. Where spotlive is, run\n\n  npm run web\n\nand load this again. " +
  "The API is there without it: GET /api/openapi.json lists what it can do.\n";

/** The page, which shows its own login, and the files that it is made of. Their names change with their content. */
export const pageRoutes: RouteGroup = (app, { options }) => {
  const folder = options.pageFolder;
  if (folder === undefined) return;

  app.get("/", { config: { open: true, page: true } }, async (request, reply) => {
    const file = await readPageFile(folder, "index.html", request.headers["accept-encoding"]);
    if (file === undefined) return reply.code(503).type("text/plain; charset=utf-8").send(notBuilt);
    reply.headers({
      "content-security-policy": policy,
      "permissions-policy": permissions,
      "cross-origin-opener-policy": "same-origin",
    });
    return send(reply, file);
  });

  app.get<{ Params: { readonly name: string } }>(
    "/assets/:name",
    { config: { open: true } },
    async (request, reply) => {
      const { name } = request.params;
      const file = await readPageFile(join(folder, "assets"), name, request.headers["accept-encoding"]);
      if (file === undefined) return reply.callNotFound();
      reply.header("cache-control", "public, max-age=31536000, immutable");
      return send(reply, file);
    },
  );
};

function send(reply: FastifyReply, { content, type, encoding }: PageFile): FastifyReply {
  reply.header("vary", "accept-encoding");
  if (encoding !== undefined) reply.header("content-encoding", encoding);
  return reply.type(type).send(content);
}
