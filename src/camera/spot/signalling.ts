import { request } from "node:https";
import { Fault } from "../../domain/fault.ts";
import type { Secret } from "../../domain/secret.ts";
import { explainConnectionError } from "./trust.ts";
import type { TlsAddress, TrustOptions } from "./trust.ts";

const path = "/h264.sdp";
const timeoutMs = 10_000;
const maximumBodyBytes = 256 * 1024;

/** The robot makes the WebRTC offer. Its id is echoed back unchanged, whatever its JSON type is. */
export interface Offer {
  readonly id: unknown;
  readonly sdp: string;
}

export interface SignallingAddress extends TlsAddress {
  readonly trust: TrustOptions;
}

/** `GET /h264.sdp`. Throws `token-expired`, `signalling-refused`, `robot-tls` or `robot-unreachable`. */
export async function fetchOffer(
  address: SignallingAddress,
  token: Secret,
  signal: AbortSignal,
): Promise<Offer> {
  return parseOffer(await exchange(address, token, undefined, signal));
}

/** `POST /h264.sdp` with all candidates in the answer: there is no trickle. Throws as `fetchOffer` does. */
export async function postAnswer(
  address: SignallingAddress,
  token: Secret,
  answer: Offer,
  signal: AbortSignal,
): Promise<void> {
  const body = JSON.stringify({ id: answer.id, sdp: Buffer.from(answer.sdp).toString("base64") });
  await exchange(address, token, body, signal);
}

/** Reads the body of the camera's offer: `{"id": ..., "sdp": base64 of the SDP}`. Throws `malformed` only. */
export function parseOffer(body: string): Offer {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (error) {
    throw new Fault("malformed", "The camera's offer is not JSON.", { cause: error });
  }
  if (typeof json !== "object" || json === null || !("sdp" in json) || typeof json.sdp !== "string") {
    throw new Fault("malformed", "The camera's offer has no text field `sdp`.");
  }
  const sdp = Buffer.from(json.sdp, "base64").toString();
  if (!sdp.startsWith("v=0"))
    throw new Fault("malformed", "The camera's offer holds no SDP (it must start with v=0).");
  return { id: "id" in json ? json.id : undefined, sdp };
}

function exchange(
  address: SignallingAddress,
  token: Secret,
  body: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: address.host,
        port: address.port,
        path,
        method: body === undefined ? "GET" : "POST",
        headers: {
          authorization: `Bearer ${token.reveal()}`,
          ...(body !== undefined && {
            "content-type": "application/json",
            "content-length": Buffer.byteLength(body),
          }),
        },
        agent: false,
        timeout: timeoutMs,
        signal,
        ...address.trust,
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        let size = 0;
        incoming.on("data", (chunk: Buffer) => {
          size += chunk.length;
          if (size > maximumBodyBytes) outgoing.destroy(new Error("the answer is longer than 256 kB"));
          else chunks.push(chunk);
        });
        incoming.on("end", () => {
          if (incoming.statusCode === 200) resolve(Buffer.concat(chunks).toString());
          else reject(explainStatus(incoming.statusCode ?? 0));
        });
        incoming.on("error", (error) => reject(explainConnectionError(error, address)));
      },
    );
    outgoing.on("timeout", () => outgoing.destroy(new Error("no answer in 10 s")));
    outgoing.on("error", (error) => reject(explainConnectionError(error, address)));
    outgoing.end(body);
  });
}

function explainStatus(code: number): Fault {
  if (code === 401 || code === 403) {
    return new Fault("token-expired", "The camera no longer accepts our token; a new one is asked for.");
  }
  return new Fault(
    "signalling-refused",
    `The camera answered ${path} with HTTP status ${code}, expected 200.`,
  );
}
