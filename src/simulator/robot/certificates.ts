import { createHash, webcrypto } from "node:crypto";
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import type { Extension, X509Certificate } from "@peculiar/x509";

/** A certificate and its key, PEM, and the SHA-256 of its DER in the way `openssl` and Node print it. */
export interface ServerIdentity {
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly fingerprint256: string;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const dayMs = 24 * 60 * 60 * 1000;

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

/** The robot's certificate for `*.spot.robot`, and the throw-away root that it chains to. */
export async function createRobotIdentity(): Promise<ServerIdentity & { readonly caPem: string }> {
  const [rootKeys, keys] = await Promise.all([generateKeys(), generateKeys()]);
  const issuer = "CN=Simulated Robot Root CA, O=spotlive simulator";
  const root = await X509CertificateGenerator.createSelfSigned({
    ...validity("01"),
    name: issuer,
    keys: rootKeys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  const certificate = await X509CertificateGenerator.create({
    ...validity("02"),
    issuer,
    subject: "CN=*.spot.robot",
    signingKey: rootKeys.privateKey,
    publicKey: keys.publicKey,
    extensions: leafExtensions("*.spot.robot"),
  });
  return { ...(await identity(certificate, keys)), caPem: root.toString("pem") };
}

/** The camera's own self-signed certificate, which fits no name that anybody uses: as in the field. */
export async function createCameraIdentity(): Promise<ServerIdentity> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...validity("03"),
    name: "CN=spot-cam",
    keys,
    extensions: leafExtensions("spot-cam"),
  });
  return identity(certificate, keys);
}

function validity(serialNumber: string) {
  return {
    serialNumber,
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() - dayMs),
    notAfter: new Date(Date.now() + 30 * dayMs),
  };
}

function leafExtensions(name: string): Extension[] {
  return [
    new BasicConstraintsExtension(false),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new SubjectAlternativeNameExtension([{ type: "dns", value: name }]),
  ];
}

async function identity(
  certificate: X509Certificate,
  keys: webcrypto.CryptoKeyPair,
): Promise<ServerIdentity> {
  const key = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  const digest = createHash("sha256").update(new Uint8Array(certificate.rawData)).digest("hex").toUpperCase();
  return {
    certificatePem: certificate.toString("pem"),
    keyPem: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`,
    fingerprint256: digest.replaceAll(/(..)(?!$)/g, "$1:"),
  };
}
