import { connect as connectTcp, type Socket, type TcpNetConnectOpts } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls, getCACertificates, type ConnectionOptions as TlsOptions } from "node:tls";
import { Fault, toFault } from "../domain/fault.ts";

/** Where a server listens. */
export interface ServerAddress {
  /** TLS. */
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
}

/** Where an RTMP server is, as its URL says. */
export interface RtmpAddress extends ServerAddress {
  /** The application: the path without its leading slash. */
  readonly app: string;
  /** The whole URL, as RTMP's `connect` wants it. */
  readonly tcUrl: string;
}

const defaultPorts = { "rtmp:": 1935, "rtmps:": 443 };
const connectTimeoutMs = 10_000;
const connectAgainMs = 2500;
/** TCP asks again after whole seconds (RFC 6298, 2.1): of a first question that was lost, the answer tells no time. */
const askAgainMs = 1000;
const reachableEveryMs = 1000;
/** A connect that began while the network was away waits ever longer before it asks again: a new one asks at once. */
const knockMs = 2000;

/** Reads `rtmp://host[:port]/app` or `rtmps://...`. Throws a `Fault` (`config-invalid`) that does not quote the path. */
export function parseRtmpUrl(url: string): RtmpAddress {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const protocol = parsed?.protocol;
  if (parsed === undefined || (protocol !== "rtmp:" && protocol !== "rtmps:") || parsed.hostname === "") {
    throw new Fault(
      "config-invalid",
      "Expected an output URL such as rtmp://host/app or rtmps://host:443/app.",
    );
  }
  const app = `${parsed.pathname.replace(/^\/+|\/+$/g, "")}${parsed.search}`;
  if (app === "")
    throw new Fault("config-invalid", `Expected a path (the application) after ${parsed.host} in the URL.`);
  return {
    secure: protocol === "rtmps:",
    host: parsed.hostname.replace(/^\[|\]$/g, ""),
    port: parsed.port === "" ? defaultPorts[protocol] : Number(parsed.port),
    app,
    tcUrl: `${protocol}//${parsed.host}/${app}`,
  };
}

/** A connection, and what its way takes there and back, milliseconds: TCP's own first exchange. */
export interface OpenSocket {
  readonly socket: Socket;
  /** What carries it: the same, but under TLS. */
  readonly tcp: Socket;
  readonly roundTripMs: number;
}

/**
 * Connects, and with TLS checks certificate and host name. `ca` is PEM that is trusted besides the system's.
 * Rejects with `output-unreachable` or `output-tls`; on abort with `output-closed`.
 */
export async function openSocket(
  address: ServerAddress,
  ca: string | Buffer | undefined,
  signal: AbortSignal,
): Promise<OpenSocket> {
  const where = `${address.host}:${address.port}`;
  const unreachable = (reason: string, cause?: Error): Fault =>
    new Fault("output-unreachable", `${where} could not be reached: ${reason}`, { cause });
  const { socket: tcp, roundTripMs } = await openTcp(address, unreachable, signal);
  if (!address.secure) return { socket: tcp, tcp, roundTripMs };
  tcp.on("error", () => {}); // from here on the TLS socket tells them
  const secured = connectTls(tlsOptions(address, tcp, ca));
  await settle(
    secured,
    "secureConnect",
    signal,
    connectTimeoutMs,
    () => unreachable("no TLS answer in time."),
    (error) => tlsFault(where, error),
  );
  return { socket: secured, tcp, roundTripMs };
}

/** Begins anew every few seconds: TCP itself asks ever more seldom, and would notice late that the network is back. */
async function openTcp(
  { host, port }: ServerAddress,
  unreachable: (reason: string, cause?: Error) => Fault,
  signal: AbortSignal,
): Promise<Pick<OpenSocket, "socket" | "roundTripMs">> {
  for (let leftMs = connectTimeoutMs; ; leftMs -= connectAgainMs) {
    const socket = connectTcp({ host, port, noDelay: true });
    let askedAt = performance.now();
    socket.on("connectionAttempt", () => (askedAt = performance.now()));
    const late = unreachable(`no answer within ${connectTimeoutMs / 1000} s.`);
    try {
      await settle(
        socket,
        "connect",
        signal,
        Math.min(leftMs, connectAgainMs),
        () => late,
        (error) => unreachable(`${error.message}.`, error),
      );
      return { socket, roundTripMs: (performance.now() - askedAt) % askAgainMs };
    } catch (error) {
      if (error !== late || leftMs <= connectAgainMs) throw error;
    }
  }
}

function tlsOptions(address: ServerAddress, socket: Socket, ca: string | Buffer | undefined): TlsOptions {
  const isName = !/^[\d.]+$|:/.test(address.host);
  return {
    socket,
    host: address.host,
    ...(isName ? { servername: address.host } : {}),
    ...(ca === undefined ? {} : { ca: [...getCACertificates("default"), ca] }),
  };
}

/** Waits for `event` once; destroys the socket and rejects on error, early close, abort and after the time limit. */
async function settle(
  socket: Socket,
  event: "connect" | "secureConnect",
  signal: AbortSignal,
  limitMs: number,
  onTimeout: () => Fault,
  onError: (error: Error) => Fault,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(onTimeout()), limitMs);
  const abort = (): void => reject(new Fault("output-closed", "Connecting was given up."));
  const fail = (error: Error): void => reject(onError(error));
  const closed = (): void => reject(onError(new Error("the server closed the connection")));
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  socket.on("error", fail).on("close", closed).on(event, resolve);
  try {
    await promise;
    socket.off("error", fail);
  } catch (error) {
    socket.on("error", () => {}).destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    socket.off("close", closed).off(event, resolve);
  }
}

const notTrusted =
  "its certificate is not signed by an authority that this machine trusts. Give the CA file of your own server, or use its public name";
const tlsReasons: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "its certificate has expired. Renew it, and check this machine's clock",
  DEPTH_ZERO_SELF_SIGNED_CERT: notTrusted,
  SELF_SIGNED_CERT_IN_CHAIN: notTrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: notTrusted,
  UNABLE_TO_GET_ISSUER_CERT: notTrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: notTrusted,
  CERT_SIGNATURE_FAILURE: notTrusted,
  ERR_TLS_CERT_ALTNAME_INVALID:
    "its certificate is for another host name. Use the name that the certificate holds",
};

function tlsFault(where: string, error: Error & { readonly code?: string }): Fault {
  const code = error.code ?? "";
  const reason = tlsReasons[code];
  if (reason !== undefined) {
    return new Fault("output-tls", `${where} was not trusted: ${reason}. Nothing was sent (${code}).`, {
      cause: error,
    });
  }
  if (code === "CERT_NOT_YET_VALID") {
    const text = `The certificate of ${where} is not valid yet by this machine's clock. It is tried again until the clock is set.`;
    return new Fault("output-unreachable", text, { cause: error });
  }
  if (code === "EPROTO" || code.startsWith("ERR_SSL") || code.startsWith("ERR_TLS")) {
    const text = `${where} does not speak TLS as expected (${code}). Use an address without TLS if the server has none on this port.`;
    return new Fault("output-tls", text, { cause: error });
  }
  return new Fault("output-unreachable", `The TLS handshake with ${where} broke off: ${error.message}.`, {
    cause: error,
  });
}

/** Tries a bare TCP connect each second until one succeeds; rejects when aborted. */
export async function awaitReachable(address: ServerAddress, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await knock({ host: address.host, port: address.port }, knockMs, signal);
      return;
    } catch (error) {
      if (signal.aborted) throw error;
      await sleep(reachableEveryMs, undefined, { signal });
    }
  }
}

/** Connects and closes again. Rejects where there is no answer within `limitMs`, and on abort. */
export async function knock(to: TcpNetConnectOpts, limitMs: number, signal: AbortSignal): Promise<void> {
  const tcp = connectTcp(to);
  const late = (): Fault => new Fault("output-unreachable", "No answer.");
  try {
    await settle(tcp, "connect", signal, limitMs, late, toFault);
  } finally {
    tcp.on("error", () => {}).destroy();
  }
}
