import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { chmod, lstat, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import type { CommandRequest, Submit } from "../domain/command.ts";
import { Fault, summarize, toFault } from "../domain/fault.ts";
import type { Status } from "../domain/status.ts";
import { createServer } from "../lib/http.ts";
import { parseCommand } from "./parse-command.ts";

export interface SocketOptions {
  readonly path: string;
  readonly submit: Submit;
  readonly status: () => Status;
}

const maxBodyBytes = 16_384;
const requestMs = 5000;

/**
 * Answers HTTP on a unix socket (mode 0660) until `signal` aborts, then removes it:
 * `GET /api/status` gives the `Status`, `POST /api/commands` takes `{ kind, id? }` and gives the `Result`.
 * A refusal is `{ ok: false, fault }` with a status of 400 or above. Rejects with a `Fault` when the path cannot be
 * used, above all when another spotlive answers there.
 */
export async function serveSocket(options: SocketOptions, signal: AbortSignal): Promise<void> {
  const { path } = options;
  const server = createServer({
    requestTimeout: requestMs,
    headersTimeout: requestMs,
    connectionsCheckingInterval: 1000,
    maxHeaderSize: 8192,
  });
  server.on("request", (request, response) => void answer(request, response, options));
  server.maxConnections = 32;
  let inode: number | undefined;
  try {
    await refuseIfTaken(path);
    inode = await listen(server, path);
    if (!signal.aborted)
      await Promise.race([
        once(signal, "abort"),
        once(server, "error").then(([error]) => {
          throw toFault(error);
        }),
      ]);
  } catch (error) {
    throw toFault(error, "internal", `The control socket ${path} cannot be served`);
  } finally {
    const closed = server.listening ? once(server, "close") : undefined;
    server.close();
    server.closeAllConnections();
    await closed;
    if (inode !== undefined && (await inodeOf(path)) === inode) await rm(path, { force: true });
  }
}

type Server = ReturnType<typeof createServer>;

/**
 * Binds in a new directory that only we may enter, sets the mode, then moves the socket to its place: there is no
 * moment at which it is wider than 0660, and a stale one is replaced in one step.
 */
async function listen(server: Server, path: string): Promise<number | undefined> {
  await mkdir(dirname(path), { recursive: true, mode: 0o750 });
  const nursery = await mkdtemp(join(dirname(path), ".s"));
  try {
    const born = join(nursery, "s");
    server.listen(born);
    await once(server, "listening");
    await chmod(born, 0o660);
    await rename(born, path);
    return await inodeOf(path);
  } finally {
    await rm(nursery, { recursive: true, force: true });
  }
}

async function inodeOf(path: string): Promise<number | undefined> {
  return await lstat(path).then(
    ({ ino }) => ino,
    () => undefined,
  );
}

async function refuseIfTaken(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket())
    throw new Fault(
      "config-invalid",
      `The control socket ${path} cannot be made: something else has that name. Set socketPath to another one.`,
    );
  if (await somebodyAnswers(path))
    throw new Fault(
      "config-invalid",
      `Another spotlive answers at ${path}. Stop it first, or set socketPath to another one.`,
    );
}

async function somebodyAnswers(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: SocketOptions,
): Promise<void> {
  try {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    switch (`${request.method} ${pathname}`) {
      case "GET /api/status":
        return send(response, 200, options.status());
      case "POST /api/commands": {
        const result = await options.submit(parseRequest(await readBody(request)));
        return send(response, result.ok ? 200 : 409, result);
      }
      default:
        request.resume();
        return sendFault(
          response,
          404,
          new Fault("usage", "There are GET /api/status and POST /api/commands."),
        );
    }
  } catch (error) {
    const fault = toFault(error);
    sendFault(response, fault.code === "internal" ? 500 : 400, fault);
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  // The request stays open when it is refused, so that the answer can still be sent.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBodyBytes)
      throw new Fault("malformed", `Expected a body of at most ${maxBodyBytes} bytes, got more.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Parses the body of a command: `parseCommand`'s language, and an `id`. Total: throws nothing but a `Fault`. */
export function parseRequest(body: string): CommandRequest {
  const value = parseJson(body);
  const command = parseCommand(value);
  const id = typeof value === "object" && value !== null && "id" in value ? value.id : randomUUID();
  if (typeof id !== "string" || !/^[\w.:-]{1,64}$/.test(id))
    throw new Fault("malformed", "Expected id to be 1 to 64 letters, digits and .:_-, got another one.");
  return { id, command, origin: "cli" };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Fault("malformed", "Expected JSON, got something else.", { cause: error });
  }
}

function sendFault(response: ServerResponse, code: number, fault: Fault): void {
  send(response, code, { ok: false, fault: summarize(fault) });
}

function send(response: ServerResponse, code: number, value: unknown): void {
  if (response.headersSent || response.destroyed) return;
  const text = JSON.stringify(value);
  response.writeHead(code, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    connection: "close",
  });
  response.end(text);
}
