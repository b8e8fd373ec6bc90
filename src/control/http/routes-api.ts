import { randomUUID } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Fault } from "../../domain/fault.ts";
import { parseCommand } from "../parse-command.ts";
import type { Door, RouteGroup } from "./door.ts";
import { statusCodeOf } from "./refusal.ts";
import { answers, jsonOf, refusals } from "./schemas.ts";

const mostCommandsAtOnce = 16;

/** The status, and the commands. */
export const apiRoutes: RouteGroup = (app, door) => {
  const { context } = door;
  let waiting = 0;

  app.get(
    "/api/status",
    {
      config: {
        operation: {
          summary: "Everything about the line at this moment",
          responses: answers(jsonOf("Status")),
        },
      },
    },
    () => context.status(),
  );

  app.post("/api/commands", { config: { operation: commandOperation } }, async (request, reply) => {
    if (waiting >= mostCommandsAtOnce)
      throw new Fault(
        "rate-limited",
        `${mostCommandsAtOnce} commands are already being carried out. Try again soon.`,
      );
    waiting += 1;
    try {
      return await carryOut(door, request, reply);
    } finally {
      waiting -= 1;
    }
  });
};

async function carryOut({ context }: Door, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const command = parseCommand(request.body);
  const id = parseId((request.body as { readonly id?: unknown }).id);
  const by = request.by === undefined ? {} : { by: request.by };
  const result = await context.submit({ id, command, origin: "http", ...by });
  reply.code(result.ok ? 200 : statusCodeOf(result.fault.code));
  return result;
}

/** The id makes a command that is sent twice act once; one of our own where none was given. */
function parseId(id: unknown = randomUUID()): string {
  if (typeof id === "string" && /^[\w.:-]{1,64}$/.test(id)) return id;
  throw new Fault("malformed", "Expected id to be 1 to 64 letters, digits and .:_-, got another one.");
}

const commandOperation = {
  summary: "Asks for something",
  description:
    "The same id twice acts once. The status in the answer is the one after the command was accepted.",
  requestBody: {
    required: true,
    content: { "application/json": { schema: { $ref: "#/components/schemas/CommandRequest" } } },
  },
  responses: {
    ...answers(jsonOf("Result")),
    ...refusals({
      400: "The command is not understood",
      403: "Not permitted",
      409: "The command cannot be carried out",
      413: "The body is too long",
      415: "The body is not application/json",
      423: "The operator's lock is set",
      429: "Too many at once",
    }),
  },
};
