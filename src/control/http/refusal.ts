import type { Socket } from "node:net";
import type { FastifyError, FastifyInstance, FastifyReply } from "fastify";
import { Fault, summarize } from "../../domain/fault.ts";
import type { FaultCode } from "../../domain/fault.ts";
import { STATUS_CODES } from "../../lib/http.ts";
import type { Log } from "../../lib/log.ts";

export const maxBodyBytes = 16_384;

/** The HTTP status that says to a program what kind of refusal a fault is. */
export function statusCodeOf(code: FaultCode): number {
  switch (code) {
    case "malformed":
    case "usage":
      return 400;
    case "not-permitted":
    case "permission-denied":
      return 403;
    case "locked":
      return 423;
    case "rate-limited":
      return 429;
    case "internal":
      return 500;
    default:
      return 409;
  }
}

/** Gives every refusal the one form `{ ok: false, fault }`, whoever finds it: Node, fastify or a route. */
export function refuseInOneForm(app: FastifyInstance, log: Log): void {
  app.setNotFoundHandler((_request, reply) =>
    reply
      .code(404)
      .send(bodyOf(new Fault("usage", "There is nothing here; GET /api/openapi.json lists what there is."))),
  );
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    if (error instanceof Fault) return reply.code(statusCodeOf(error.code)).send(bodyOf(error));
    const { statusCode = 500 } = error;
    if (statusCode < 400 || statusCode >= 500) {
      log.error({ err: error }, "A request could not be answered.");
      return reply
        .code(500)
        .send(bodyOf(new Fault("internal", "The request could not be answered; the log tells why.")));
    }
    return reply.code(statusCode).send(bodyOf(unfit(statusCode)));
  });
}

/** For an address that no route can be looked up for. */
export function refuseUnfit(reply: FastifyReply): void {
  void reply.code(400).send(bodyOf(unfit(400)));
}

/** For bytes that are no HTTP request at all. */
export function refuseRaw(error: { readonly code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET") return void socket.destroy();
  const code =
    error.code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : error.code === "HPE_HEADER_OVERFLOW" ? 431 : 400;
  const body = JSON.stringify(bodyOf(unfit(code)));
  socket.end(
    `HTTP/1.1 ${code} ${STATUS_CODES[code]}\r\nconnection: close\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** fastify's own texts quote what was sent; ours do not. */
function unfit(statusCode: number): Fault {
  switch (statusCode) {
    case 408:
      return new Fault("malformed", "The request did not come to its end in time.");
    case 413:
      return new Fault("malformed", `Expected a body of at most ${maxBodyBytes} bytes, got more.`);
    case 415:
      return new Fault("malformed", "Expected a body of content-type application/json, got another one.");
    case 431:
      return new Fault("malformed", "The headers of the request are too long.");
    default:
      return new Fault(
        "malformed",
        "Expected a well-formed request, with JSON as its body, got something else.",
      );
  }
}

const bodyOf = (fault: Fault): object => ({ ok: false, fault: summarize(fault) });
