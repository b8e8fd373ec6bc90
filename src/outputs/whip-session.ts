import type { Socket } from "node:net";
import { Fault } from "../domain/fault.ts";
import type { Secret } from "../domain/secret.ts";
import { openSocket } from "./server-socket.ts";
import { exchange, serverOf } from "./whip-exchange.ts";
import type { HttpAnswer } from "./whip-exchange.ts";

export interface WhipTarget {
  /** `https://host/path` or `http://...`. */
  readonly url: string;
  /** Sent as `Authorization: Bearer`; none where the server wants none. */
  readonly token?: Secret;
  /** PEM of an authority that is trusted besides the system's. */
  readonly ca?: string | Buffer;
}

/** A session that the server has opened. Disposal deletes it there. */
export interface WhipSession extends AsyncDisposable {
  /** SDP. */
  readonly answer: string;
}

const mostRedirects = 3;
const deleteMs = 2000;

/** Reads the address of a WHIP endpoint. Throws a `Fault` (`config-invalid`) that does not quote it. */
export function parseWhipUrl(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed !== undefined && /^https?:$/.test(parsed.protocol) && parsed.username + parsed.password === "")
    return parsed;
  throw new Fault("config-invalid", "Expected a WHIP address such as https://host/path, without a user.");
}

/**
 * RFC 9725, 4.2: posts the offer over `socket`, which is connected to the target, and follows where the server sends
 * it. The token goes to no other origin, and nothing that begins with TLS goes on without. Rejects with a `Fault`.
 */
export async function openSession(
  target: WhipTarget,
  socket: Socket,
  offer: string,
  signal: AbortSignal,
): Promise<WhipSession> {
  let url = parseWhipUrl(target.url);
  let { token } = target;
  for (let redirects = 0; ; redirects += 1) {
    const way = redirects === 0 ? socket : (await openSocket(serverOf(url), target.ca, signal)).socket;
    const headers = { ...authorize(token), "content-type": "application/sdp", accept: "application/sdp" };
    const answer = await exchange(way, { method: "POST", url, headers, body: offer }, signal);
    if (answer.status !== 307 && answer.status !== 308) return readSession(target, url, token, answer);
    const next = locationOf(url, answer);
    if (redirects === mostRedirects || next === undefined)
      throw new Fault("protocol-error", `${url.host} sends the stream on and on, or nowhere. Check the URL.`);
    if (url.protocol === "https:" && next.protocol !== "https:")
      throw new Fault(
        "output-tls",
        `${url.host} sends the stream on to ${next.host} without TLS: nothing was sent there.`,
      );
    if (next.origin !== url.origin) token = undefined;
    url = next;
  }
}

async function readSession(
  target: WhipTarget,
  url: URL,
  token: Secret | undefined,
  answer: HttpAnswer,
): Promise<WhipSession> {
  if (answer.status !== 201) throw refusal(target, url, token, answer);
  const resource = locationOf(url, answer);
  if (resource === undefined)
    throw new Fault("protocol-error", `${url.host} did not say where the session is (Location).`);
  const close = async (): Promise<void> => {
    const signal = AbortSignal.timeout(deleteMs);
    try {
      const { socket } = await openSocket(serverOf(resource), target.ca, signal);
      const headers = authorize(resource.origin === url.origin ? token : undefined);
      await exchange(socket, { method: "DELETE", url: resource, headers }, signal);
    } catch {
      // the server ends it by itself, as nothing comes any more
    }
  };
  const type = answer.headers["content-type"] ?? "nothing";
  if (/^application\/sdp *(;|$)/i.test(type)) return { answer: answer.body, [Symbol.asyncDispose]: close };
  await close();
  throw new Fault(
    "protocol-error",
    `Expected an answer in application/sdp from ${url.host}, got ${printable(type)}.`,
  );
}

/** Where the answer points; undefined where it does not, or to no web address. */
function locationOf(base: URL, { headers: { location } }: HttpAnswer): URL | undefined {
  if (location === undefined || !URL.canParse(location, base.href)) return undefined;
  const url = new URL(location, base);
  return /^https?:$/.test(url.protocol) ? url : undefined;
}

function authorize(token: Secret | undefined): Readonly<Record<string, string>> {
  return token === undefined ? {} : { authorization: `Bearer ${token.reveal()}` };
}

function refusal(target: WhipTarget, url: URL, token: Secret | undefined, answer: HttpAnswer): Fault {
  const { status } = answer;
  const words = `${url.host} answered ${status}${quote(answer, target.token)}`;
  if (status === 401 || status === 403) {
    if (target.token === undefined)
      return new Fault("key-refused", `The server wants a token: ${words}. Set streamKey to it.`);
    if (token === undefined)
      return new Fault(
        "key-refused",
        `The server sent the stream on to another host, which does not get the token: ${words}. Set url to that host.`,
      );
    return new Fault(
      "key-refused",
      `The server refused the token: ${words}. Check streamKey, which is the token.`,
    );
  }
  if (status === 404 || status === 405)
    return new Fault("publish-refused", `There is no WHIP at this address: ${words}. Check url.`);
  if (status === 409)
    return new Fault("key-in-use", `Somebody publishes there already: ${words}. Stop the other publisher.`);
  if (status === 429 || status === 503)
    return new Fault("publish-refused", `The server has no room for the stream now: ${words}.`);
  return new Fault("publish-refused", `The server refused to take the stream: ${words}. Expected 201.`);
}

/** The server's own words, safe to show: short, and not at all where they hold the token. */
function quote({ body }: HttpAnswer, token: Secret | undefined): string {
  const text = printable(body);
  if (text === "" || (token !== undefined && body.includes(token.reveal()))) return "";
  return ` ("${text}")`;
}

const printable = (text: string): string =>
  text
    .replace(/[^\x20-\x7e\xa0-\uffff]+/g, " ")
    .trim()
    .slice(0, 120);
