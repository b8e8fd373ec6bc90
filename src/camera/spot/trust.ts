import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { checkServerIdentity, connect } from "node:tls";
import type { PeerCertificate } from "node:tls";
import { Fault } from "../../domain/fault.ts";

/** Whom to believe behind one TLS address of the robot. `insecure` must be written down by a person. */
export type TlsTrust =
  | { readonly kind: "system" }
  | { readonly kind: "ca"; readonly file: string }
  | { readonly kind: "fingerprint"; readonly sha256: string }
  | { readonly kind: "insecure" };

/** TLS options that carry a trust into a connection; the same for gRPC and HTTPS. */
export interface TrustOptions {
  readonly ca?: string | Buffer;
  /** A pinned certificate is believed although its issuer is unknown. */
  readonly allowPartialTrustChain?: boolean;
  readonly rejectUnauthorized: boolean;
  readonly checkServerIdentity?: typeof checkServerIdentity;
}

export interface TlsAddress {
  readonly host: string;
  readonly port: number;
  /** The name to ask for and to find in the certificate; the host itself if absent. */
  readonly serverName?: string;
}

const handshakeTimeoutMs = 10_000;

/** How OpenSSL and Node put it; over gRPC only the words arrive, without the code. */
const outOfTime = /CERT_NOT_YET_VALID|CERT_HAS_EXPIRED|not yet valid|has expired/i;
const untrusted =
  /SELF_SIGNED|self.signed|UNABLE_TO_(GET|VERIFY)|unable to (get|verify)|CERT_SIGNATURE|ALTNAME|altnames/i;

/**
 * Turns a trust into TLS options. A fingerprint is looked up once by a handshake that carries no data; the
 * certificate it belongs to is then the only one that the real connections believe.
 * Throws `robot-tls` (wrong or unreadable certificate) or `robot-unreachable`.
 */
export async function resolveTrust(
  trust: TlsTrust,
  address: TlsAddress,
  signal: AbortSignal,
): Promise<TrustOptions> {
  switch (trust.kind) {
    case "system":
      return { rejectUnauthorized: true };
    case "insecure":
      return { rejectUnauthorized: false, checkServerIdentity: () => undefined };
    case "ca": {
      const authority = await readAuthority(trust.file);
      return {
        rejectUnauthorized: true,
        ca: authority.pem,
        checkServerIdentity: (host, peer) => checkName(host, peer, authority),
      };
    }
    case "fingerprint": {
      const certificate = await fetchCertificate(address, signal);
      const got = normalizeFingerprint(certificate.fingerprint256);
      if (got !== normalizeFingerprint(trust.sha256)) {
        throw new Fault(
          "robot-tls",
          `The certificate of ${address.host}:${address.port} is not the pinned one: its SHA-256 fingerprint is ${certificate.fingerprint256}. If the robot was replaced or reset, pin this one; otherwise somebody stands in between.`,
        );
      }
      return {
        rejectUnauthorized: true,
        ca: toPem(certificate.raw),
        allowPartialTrustChain: true,
        checkServerIdentity: () => undefined,
      };
    }
  }
}

/**
 * Explains a failure in words a person can act on. Only a certificate that nobody vouches for is final
 * (`robot-tls`): a clock is set sooner or later, and a robot that boots may answer with anything.
 */
export function explainConnectionError(error: unknown, address: TlsAddress): Fault {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const text = error instanceof Error ? error.message : String(error);
  const where = `${address.host}:${address.port}`;
  if (outOfTime.test(`${code} ${text}`)) {
    const today = new Date().toISOString().slice(0, 10);
    return new Fault(
      "robot-unreachable",
      `The certificate of ${where} is not valid on the date of this box's clock, ${today}. If that is not today, the clock has to be set.`,
      { cause: error },
    );
  }
  if (untrusted.test(`${code} ${text}`)) {
    return new Fault(
      "robot-tls",
      `The certificate of ${where} is not trusted (${code || text}). Give the robot's CA file or pin its fingerprint in the configuration.`,
      { cause: error },
    );
  }
  return new Fault("robot-unreachable", `The robot does not answer at ${where} (${code || text}).`, {
    cause: error,
  });
}

interface Authority {
  readonly pem: string;
  /** Of its first certificate. */
  readonly fingerprint256: string;
}

async function readAuthority(file: string): Promise<Authority> {
  try {
    const pem = await readFile(file, "utf8");
    return { pem, fingerprint256: new X509Certificate(pem).fingerprint256 };
  } catch (error) {
    throw new Fault(
      "robot-tls",
      `The CA file ${file} cannot be read: put the robot's root certificate (PEM) there.`,
      { cause: error },
    );
  }
}

/** A Spot CAM's certificate is its own authority and names nobody: where it is the very one in the file, that will do. */
function checkName(host: string, peer: PeerCertificate, authority: Authority): Error | undefined {
  return peer.fingerprint256 === authority.fingerprint256 ? undefined : checkServerIdentity(host, peer);
}

/** Gives the certificate that is shown at an address, whoever shows it. Throws what connecting can throw. */
export function fetchCertificate(address: TlsAddress, signal: AbortSignal): Promise<PeerCertificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: address.host,
      port: address.port,
      ...(address.serverName !== undefined && { servername: address.serverName }),
      rejectUnauthorized: false, // only looks: nothing is sent or believed before the fingerprint was compared
    });
    const finish = (act: () => void): void => {
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      act();
    };
    const onAbort = (): void =>
      finish(() => reject(new Fault("robot-unreachable", "Stopped while connecting.")));
    signal.addEventListener("abort", onAbort, { once: true });
    socket.setTimeout(handshakeTimeoutMs, () =>
      finish(() => reject(explainConnectionError(new Error("no answer in 10 s"), address))),
    );
    socket.once("secureConnect", () => {
      const certificate = socket.getPeerCertificate();
      finish(() => resolve(certificate));
    });
    socket.once("error", (error) => finish(() => reject(explainConnectionError(error, address))));
  });
}

function normalizeFingerprint(fingerprint: string): string {
  return fingerprint.replaceAll(/[^0-9a-f]/gi, "").toLowerCase();
}

function toPem(der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
