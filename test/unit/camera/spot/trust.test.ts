import { describe, expect, it } from "vitest";
import { explainConnectionError } from "../../../../src/camera/spot/trust.ts";

const robot = { host: "192.168.50.3", port: 443 };
const explain = (message: string, code = "") =>
  explainConnectionError(Object.assign(new Error(message), code === "" ? {} : { code }), robot);

describe("explainConnectionError", () => {
  it.each([
    ["self-signed certificate in certificate chain", "SELF_SIGNED_CERT_IN_CHAIN"],
    ["unable to get local issuer certificate", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"],
    ["Hostname/IP does not match certificate's altnames", "ERR_TLS_CERT_ALTNAME_INVALID"],
    ["No connection established. Last error: self-signed certificate", ""],
  ])("is final for a certificate that nobody vouches for: %s", (message, code) => {
    expect(explain(message, code)).toMatchObject({ code: "robot-tls", retryable: false });
  });

  it.each([
    ["certificate is not yet valid", "CERT_NOT_YET_VALID"],
    ["certificate has expired", "CERT_HAS_EXPIRED"],
    ["No connection established. Last error: certificate is not yet valid", ""],
  ])("blames the clock, and goes on trying, for one that is only out of its time: %s", (message, code) => {
    const fault = explain(message, code);
    expect(fault.retryable).toBe(true);
    expect(fault.message).toContain("clock");
  });

  it.each([
    ["write EPROTO wrong version number", "ERR_SSL_WRONG_VERSION_NUMBER"],
    ["connect ECONNREFUSED 192.168.50.3:443", "ECONNREFUSED"],
    ["socket disconnected before secure TLS connection was established", "ECONNRESET"],
    ["no answer in 10 s", ""],
  ])("goes on trying while the robot boots: %s", (message, code) => {
    expect(explain(message, code)).toMatchObject({ code: "robot-unreachable", retryable: true });
  });
});
