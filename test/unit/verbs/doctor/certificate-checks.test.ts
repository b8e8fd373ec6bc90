import { webcrypto, X509Certificate } from "node:crypto";
import { X509CertificateGenerator } from "@peculiar/x509";
import { beforeAll, describe, expect, it } from "vitest";
import { parseConfig } from "../../../../src/config/load.ts";
import { certificateChecks, judgeExpiry } from "../../../../src/verbs/doctor/certificate-checks.ts";
import { fakeContext, findingOf } from "../../../helpers/doctor.ts";
import { makeFakeRoot } from "../../../helpers/fake-root.ts";

const day = 86_400_000;
const from = Date.UTC(2026, 0, 1);

/** A certificate of its own that is valid for 90 days from then on. */
async function issue(notBefore: number): Promise<string> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...{ name: "CN=test", keys, signingAlgorithm: algorithm },
    ...{ notBefore: new Date(notBefore), notAfter: new Date(notBefore + 90 * day) },
  });
  return certificate.toString("pem");
}

let pem: string;
beforeAll(async () => {
  pem = await issue(from);
});

describe("a certificate", () => {
  it.each([
    [-1, "wrong", "It is not valid before 2026-01-01, by this machine's clock."],
    [1, "ok", ""],
    [75, "ok", ""],
    [77, "warning", "It expires in 13 days."],
    [91, "wrong", "It has expired: the other side will not be trusted."],
  ])("%i days after it was issued is %s", (days, verdict, meaning) => {
    const finding = judgeExpiry("c", "it", new X509Certificate(pem), from + days * day);
    expect(finding).toMatchObject({ verdict, meaning, evidence: "It is valid until 2026-04-01." });
  });

  it("of a list is the one that is valid longest, and nonsense is none", async () => {
    const old = await issue(0);
    const now = await issue(Date.now() - day);
    await using root = await makeFakeRoot({ "/ca.pem": `${old}\n${now}`, "/old.pem": old });
    const find = async (file: string) => {
      const tls = `tls: { caFile: ${root.directory}${file} }, cameraTls: { insecure: true }`;
      const yaml = `source: spot\nspot: { username: u, password: p, ${tls} }\n`;
      const config = await parseConfig(yaml, "test.yaml", {});
      return findingOf(certificateChecks(fakeContext({ config })), "certificate:spot.tls.caFile");
    };
    expect(await find("/ca.pem")).toMatchObject({ verdict: "ok" });
    expect(await find("/old.pem")).toMatchObject({ verdict: "wrong" });
    await root.write({ "/old.pem": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" });
    expect(await find("/old.pem")).toMatchObject({ verdict: "unknown" });
  });
});
