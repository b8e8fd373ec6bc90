import { webcrypto } from "node:crypto";
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "node:tls";
import type { TLSSocket } from "node:tls";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Secret } from "../../src/domain/secret.ts";
import { HalfOpen } from "../../src/outputs/half-open.ts";
import { openSocket, parseRtmpUrl } from "../../src/outputs/server-socket.ts";
import { createRtmpOutput } from "../../src/outputs/rtmp.ts";
import { startIngest } from "../../src/simulator/ingest.ts";
import { eventually } from "../helpers/eventually.ts";
import { startNginxRtmp } from "../helpers/nginx.ts";
import { encodeH264, judge, paced, unitsFromAnnexB } from "../helpers/publish.ts";

const run = promisify(execFile);
const never = new AbortController().signal;

interface Identity {
  readonly key: Buffer;
  readonly cert: Buffer;
}

let directory: string;
let authority: Buffer;
let loopback: Identity;
let otherName: Identity;
let expired: Identity;

/** Makes a key and a certificate that our own authority has signed. */
async function issue(name: string, subjectAltName: string, days: readonly string[]): Promise<Identity> {
  const file = (ending: string): string => join(directory, `${name}.${ending}`);
  const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await run("openssl", [
    "req",
    ...ec,
    "-keyout",
    file("key"),
    "-out",
    file("csr"),
    "-subj",
    `/CN=${name}`,
    "-addext",
    `subjectAltName=${subjectAltName}`,
  ]);
  const ca = ["-CA", join(directory, "ca.pem"), "-CAkey", join(directory, "ca.key"), "-CAcreateserial"];
  await run("openssl", [
    "x509",
    "-req",
    "-in",
    file("csr"),
    ...ca,
    "-copy_extensions",
    "copy",
    ...days,
    "-out",
    file("pem"),
  ]);
  return { key: await readFile(file("key")), cert: await readFile(file("pem")) };
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "spotlive-tls-"));
  const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await run("openssl", [
    "req",
    "-x509",
    ...ec,
    "-keyout",
    join(directory, "ca.key"),
    "-out",
    join(directory, "ca.pem"),
    "-subj",
    "/CN=Test CA",
    "-days",
    "2",
  ]);
  authority = await readFile(join(directory, "ca.pem"));
  loopback = await issue("loopback", "IP:127.0.0.1", ["-days", "2"]);
  otherName = await issue("other", "DNS:ingest.example", ["-days", "2"]);
  expired = await issue("expired", "IP:127.0.0.1", ["-days", "-1"]);
});

afterAll(() => rm(directory, { recursive: true }));

/** A certificate of its own that begins tomorrow: what a board without a battery clock sees of all others. */
async function issueForTomorrow(): Promise<{ readonly key: string; readonly cert: string }> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=127.0.0.1",
    notBefore: new Date(Date.now() + 86_400_000),
    notAfter: new Date(Date.now() + 2 * 86_400_000),
    keys,
    signingAlgorithm: algorithm,
    extensions: [new SubjectAlternativeNameExtension([{ type: "ip", value: "127.0.0.1" }])],
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  return {
    key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`,
    cert: certificate.toString("pem"),
  };
}

/** Publishes a few pictures; gives the code and message of the fault, if any. */
async function publish(url: string, ca?: Buffer): Promise<{ code?: string; message?: string }> {
  const target = { url, streamKey: new Secret("live_9_canary") };
  const output = createRtmpOutput({
    name: "tls",
    target,
    audio: "silent",
    report: () => {},
    ...(ca === undefined ? {} : { ca }),
  });
  const units = await unitsFromAnnexB(await encodeH264(), 30);
  try {
    await output.run(paced(units, 6), never);
    return {};
  } catch (error) {
    return error as { code: string; message: string };
  }
}

describe("rtmps", () => {
  it("brings every picture to nginx behind TLS whose authority is given", async () => {
    await using nginx = await startNginxRtmp();
    const proxy = createServer(loopback, (client) => {
      const server = connect(nginx.port, "127.0.0.1");
      client.on("error", () => server.destroy()).pipe(server);
      server.on("error", () => client.destroy()).pipe(client);
    });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    const { port } = proxy.address() as AddressInfo;
    expect(await publish(`rtmps://127.0.0.1:${port}/app`, authority)).toEqual({});
    proxy.close();
    const { video, decoderErrors } = await judge(await nginx.recording("live_9_canary"));
    expect(video).toHaveLength(180);
    expect(decoderErrors).toEqual([]);
  });

  it("is reset below its TLS where the server still holds a connection that was given up", async () => {
    const server = createServer(loopback);
    const ports: (number | undefined)[] = [];
    server.on("connection", ({ remotePort }) => ports.push(remotePort));
    server.on("tlsClientError", () => {}); // the connect from the old port says nothing
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const accepted = once(server, "secureConnection");
    const lost = await openSocket(parseRtmpUrl(`rtmps://127.0.0.1:${port}/app`), authority, never);
    const [far] = (await accepted) as [TLSSocket];
    lost.socket.write(Buffer.alloc(8_000_000)); // more than the server's window: most of it waits
    const from = lost.tcp.localPort;
    const halfOpen = new HalfOpen(60_000);
    halfOpen.keep(lost);
    await halfOpen.reset(never);
    expect([lost.socket.destroyed, lost.tcp.destroyed]).toEqual([true, true]);
    await eventually(() => ports.length > 1);
    expect(ports).toEqual([from, from]); // free for another connection, so neither side has the old one
    const closed = new Promise((resolve) => far.on("error", () => {}).on("close", resolve));
    far.resume();
    await closed;
    await new Promise((resolve) => server.close(resolve));
  });

  it("refuses a certificate of an unknown authority, before anything is sent", async () => {
    await using ingest = await startIngest({ tls: loopback }, never);
    const fault = await publish(ingest.url);
    expect(fault.code).toBe("output-tls");
    expect(fault.message).toContain("not signed by an authority");
    expect(ingest.report()).toMatchObject({ connections: 0, refused: 0 });
  });

  it("refuses a certificate for another host name, although its authority is trusted", async () => {
    await using ingest = await startIngest({ tls: otherName }, never);
    const fault = await publish(ingest.url, authority);
    expect(fault.code).toBe("output-tls");
    expect(fault.message).toContain("another host name");
  });

  it("refuses a certificate that has expired", async () => {
    await using ingest = await startIngest({ tls: expired }, never);
    const fault = await publish(ingest.url, authority);
    expect(fault.code).toBe("output-tls");
    expect(fault.message).toContain("expired");
  });

  it("blames the clock for a certificate of the future, and may be tried again", async () => {
    const future = await issueForTomorrow();
    await using ingest = await startIngest({ tls: future }, never);
    const fault = await publish(ingest.url, Buffer.from(future.cert));
    expect(fault.code).toBe("output-unreachable");
    expect(fault.message).toContain("clock");
  });

  it("says that a port without TLS has none", async () => {
    await using ingest = await startIngest({}, never);
    const fault = await publish(ingest.url.replace("rtmp:", "rtmps:"), authority);
    expect(["output-tls", "output-unreachable"]).toContain(fault.code);
  });
});
