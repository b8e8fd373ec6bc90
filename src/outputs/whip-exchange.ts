import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { Fault } from "../domain/fault.ts";
import type { ServerAddress } from "./server-socket.ts";
import { request } from "../lib/http.ts";

/** A server has this long for an answer; some gather their addresses first. */
const answerMs = 10_000;
/** An answer in SDP has a few thousand bytes. */
const mostBytes = 65_536;

export interface HttpQuestion {
  readonly method: "POST" | "DELETE";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export function serverOf({ protocol, hostname, port }: URL): ServerAddress {
  const secure = protocol === "https:";
  const host = hostname.replace(/^\[|\]$/g, "");
  return { secure, host, port: port === "" ? (secure ? 443 : 80) : Number(port) };
}

/** One question and its answer over a connection, which is closed then. Rejects with a `Fault`; nothing is followed. */
export async function exchange(
  socket: Socket,
  { method, url, headers, body }: HttpQuestion,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const late = new Fault(
    "output-unreachable",
    `${url.host} did not answer over HTTP within ${answerMs / 1000} s.`,
  );
  const timer = setTimeout(() => reject(late), answerMs);
  const abort = (): void => reject(new Fault("output-closed", "Publishing was given up."));
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  const fail = (error: Error): void => reject(faultOf(url, error));
  socket.on("error", fail);
  const asked = request({
    createConnection: () => socket,
    method,
    path: `${url.pathname}${url.search}`,
    headers: { ...headers, host: url.host, connection: "close" },
  });
  asked.on("error", fail).on("response", (response) => {
    read(response).then(resolve, fail);
  });
  asked.end(body);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    asked.destroy();
    socket.destroy();
  }
}

async function read(response: IncomingMessage): Promise<HttpAnswer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    parts.push(part);
    bytes += part.length;
    if (bytes > mostBytes)
      throw new Fault("protocol-error", `The server's answer is not SDP: it is too long.`);
  }
  const body = Buffer.concat(parts).toString();
  return { status: response.statusCode ?? 0, headers: response.headers, body };
}

function faultOf({ host }: URL, error: Error & { readonly code?: string }): Fault {
  if (error instanceof Fault) return error;
  if (error.code?.startsWith("HPE_") === true)
    return new Fault("protocol-error", `${host} does not speak HTTP (${error.code}). Check the URL.`);
  return new Fault("output-closed", `${host} broke off its answer: ${error.message}.`, { cause: error });
}
