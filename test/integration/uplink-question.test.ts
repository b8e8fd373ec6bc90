import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { UplinkTarget } from "../../src/config/uplink-config.ts";
import { Names } from "../../src/device/uplinks/names.ts";
import { ask } from "../../src/device/uplinks/question.ts";
import type { Answer, Question } from "../../src/device/uplinks/question.ts";

const { signal } = new AbortController();
let folder: string;
let portal: Server;
let plain: Server;
let silent: Server;

async function listening(server: Server): Promise<Server> {
  await once(server.listen(0, "127.0.0.1"), "listening");
  return server;
}
const portOf = (server: Server): number => (server.address() as AddressInfo).port;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "uplink-question-"));
  const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
  await promisify(execFile)("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
    ...["-subj", "/CN=portal.example", "-days", "2", "-keyout", key, "-out", certificate],
  ]);
  portal = await listening(createTlsServer({ key: await readFile(key), cert: await readFile(certificate) }));
  plain = await listening(createServer((socket) => socket.on("error", () => {}).resume()));
  silent = await listening(createServer((socket) => socket.on("error", () => {}).resume()));
});
afterAll(async () => {
  for (const server of [portal, plain, silent]) server.close();
  await rm(folder, { recursive: true });
});

const put = (targets: readonly UplinkTarget[], changes: Partial<Question> = {}): Promise<Answer> =>
  ask(
    { targets, family: 4, from: "127.0.0.1", isDoubtful: false, limitMs: 500, ...changes },
    new Names(),
    signal,
  );
const at = (server: Server, tls = false): UplinkTarget => ({ host: "127.0.0.1", port: portOf(server), tls });

describe("a question over an uplink", () => {
  it("is answered by any one of the targets", async () => {
    const closed = await listening(createServer());
    const target = at(closed);
    closed.close();
    expect(await put([target, at(plain)])).toMatchObject({
      hasAnswered: true,
      text: `127.0.0.1:${portOf(plain)} answers`,
    });
    expect(await put([target])).toMatchObject({
      hasAnswered: false,
      text: expect.stringContaining("ECONNREFUSED"),
    });
  });

  it("is not answered by a captive portal, once a certificate is asked for", async () => {
    expect(await put([at(portal, true)])).toMatchObject({ hasAnswered: true });
    expect(await put([at(portal, true)], { isDoubtful: true })).toMatchObject({
      hasAnswered: false,
      text: expect.stringContaining(
        "shows another's certificate, as captive portals do (DEPTH_ZERO_SELF_SIGNED_CERT)",
      ),
    });
  });

  it("is not answered by one that takes the connection and says nothing more", async () => {
    expect(await put([at(silent, true)], { isDoubtful: true })).toEqual({
      ...{ hasAnswered: false, text: `127.0.0.1:${portOf(silent)} does not answer within 0.5 s` },
    });
  });

  it("is put to nobody where no target has an address of its family", async () => {
    expect(await put([at(plain)], { family: 6, from: "::1" })).toEqual({
      ...{ hasAnswered: undefined, text: "there is nobody to ask" },
    });
  });

  it("ends at once when it is called off", async () => {
    expect(
      await ask(
        { targets: [at(plain)], family: 4, from: "127.0.0.1", isDoubtful: false, limitMs: 60_000 },
        new Names(),
        AbortSignal.abort(),
      ),
    ).toMatchObject({ hasAnswered: false });
  });
});
