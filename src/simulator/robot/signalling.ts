import { createServer } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { randomUUID } from "node:crypto";
import type { ServerIdentity } from "./certificates.ts";
import type { Tokens } from "./tokens.ts";
import type { Viewer } from "./viewer.ts";

const path = "/h264.sdp";
const longestBody = 256 * 1024;
/** An offer that nobody answers is forgotten. */
const offerLifeMs = 30_000;

type Reply = { readonly code: number; readonly body: string };

/**
 * The camera's HTTPS door: `GET /h264.sdp` gives an offer and its id, `POST /h264.sdp` takes the answer. Both need a
 * good token.
 */
export class Signalling {
  readonly #tokens: Tokens;
  readonly #makeViewer: () => Promise<Viewer>;
  readonly #offers = new Map<string, { readonly viewer: Viewer; answered: boolean; timer: NodeJS.Timeout }>();
  readonly #server;

  constructor(identity: ServerIdentity, tokens: Tokens, makeViewer: () => Promise<Viewer>) {
    this.#tokens = tokens;
    this.#makeViewer = makeViewer;
    this.#server = createServer(
      { cert: identity.certificatePem, key: identity.keyPem },
      (request, response) => {
        void this.#handle(request, response);
      },
    );
    this.#server.on("tlsClientError", () => {}); // a client that does not trust us is its own affair
  }

  /** Listens on an address; `port` 0 lets the kernel choose. Resolves with the port. */
  async listen(host: string, port: number): Promise<number> {
    this.#server.listen(port, host);
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const { timer } of this.#offers.values()) clearTimeout(timer);
    this.#offers.clear();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { code, body } = await this.#reply(request).catch((): Reply => ({ code: 500, body: "failed" }));
    const type = body.startsWith("{") ? "application/json" : "text/plain";
    response.writeHead(code, { "content-type": type, "content-length": Buffer.byteLength(body) }).end(body);
  }

  async #reply(request: IncomingMessage): Promise<Reply> {
    if (request.url !== path) return { code: 404, body: "no such page" };
    if (this.#tokens.bearerOfHeader(request.headers.authorization) === undefined) {
      return { code: 401, body: "no valid token" };
    }
    switch (request.method) {
      case "GET":
        return await this.#offer();
      case "POST":
        return await this.#takeAnswer(await readBody(request));
      default:
        return { code: 405, body: "GET or POST" };
    }
  }

  async #offer(): Promise<Reply> {
    const viewer = await this.#makeViewer();
    const id = randomUUID();
    const timer = setTimeout(() => {
      const offer = this.#offers.get(id);
      this.#offers.delete(id);
      if (offer?.answered === false) void viewer.close();
    }, offerLifeMs);
    this.#offers.set(id, { viewer, answered: false, timer });
    return { code: 200, body: JSON.stringify({ id, sdp: Buffer.from(viewer.offer).toString("base64") }) };
  }

  async #takeAnswer(body: string | undefined): Promise<Reply> {
    const answer = parseAnswer(body);
    if (answer === undefined) return { code: 400, body: "expected JSON with id and a base64 sdp" };
    const offer = this.#offers.get(answer.id);
    if (offer === undefined) return { code: 404, body: "unknown id" };
    if (offer.answered) return { code: 200, body: "" }; // some clients post candidates afterwards
    try {
      await offer.viewer.accept(answer.sdp);
    } catch {
      return { code: 400, body: "the sdp is no answer to the offer" };
    }
    offer.answered = true;
    return { code: 200, body: "" };
  }
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > longestBody) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

const everyAnswerHas = [/^v=0/, /^m=video /m, /^a=ice-ufrag:/m, /^a=ice-pwd:/m, /^a=fingerprint:/m];

function parseAnswer(body: string | undefined): { readonly id: string; readonly sdp: string } | undefined {
  try {
    const parsed: unknown = JSON.parse(body ?? "");
    if (typeof parsed !== "object" || parsed === null || !("id" in parsed) || !("sdp" in parsed))
      return undefined;
    if (typeof parsed.id !== "string" || typeof parsed.sdp !== "string") return undefined;
    const sdp = Buffer.from(parsed.sdp, "base64").toString();
    return everyAnswerHas.every((line) => line.test(sdp)) ? { id: parsed.id, sdp } : undefined;
  } catch {
    return undefined;
  }
}
