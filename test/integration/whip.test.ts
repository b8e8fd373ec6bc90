import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { Fault } from "../../src/domain/fault.ts";
import type { Unit } from "../../src/domain/media.ts";
import { Secret } from "../../src/domain/secret.ts";
import type { StatusEvent } from "../../src/domain/status.ts";
import { createWhipOutput } from "../../src/outputs/whip.ts";
import { codedPictures } from "../helpers/coded-pictures.ts";
import { eventually } from "../helpers/eventually.ts";
import { looped, paced } from "../helpers/publish.ts";
import { startWhipServer } from "../helpers/whip-server.ts";

const never = new AbortController().signal;
const token = "bearer-canary-7f3a";
const pictures = 120;
const numbersFrom = (first: number): number[] =>
  Array.from({ length: pictures - first }, (_, i) => first + i);

const outputTo = (url: string, key?: string, events: StatusEvent[] = []) =>
  createWhipOutput({
    name: "crowd",
    target: { url, ...(key !== undefined && { token: new Secret(key) }) },
    report: (event) => void events.push(event),
  });

async function* nothing(): AsyncGenerator<Unit> {}

/** A certificate for this machine's loopback address that is its own authority. */
async function selfSigned(): Promise<{ readonly key: string; readonly cert: string }> {
  const { stdout } = await promisify(execFile)("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"],
    ...["-subj", "/CN=loopback", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "-", "-out", "-"],
  ]);
  const [key = "", cert = ""] = stdout.match(/-----BEGIN [^]*?-----END .*\n/g) ?? [];
  return { key, cert };
}

/** The fault that publishing ends with. */
async function faultOf(url: string, key?: string): Promise<Fault> {
  const error: unknown = await outputTo(url, key)
    .run(nothing(), never)
    .catch((reason: unknown) => reason);
  if (!(error instanceof Fault)) throw new Error("it has not failed");
  return error;
}

describe("a WHIP output", () => {
  it("brings each picture unchanged and in order, deletes the session at the end and says what it sent", async () => {
    await using server = await startWhipServer({ token });
    const units = await codedPictures({ count: pictures, size: "1280x720" });
    const events: StatusEvent[] = [];
    await outputTo(server.url, token, events).run(paced(units), never);
    await eventually(() => server.requests.length === 2);
    const received = server.pictures();
    const sent = units.slice(-received.length);
    expect(received.map(({ nalus }) => Buffer.concat(nalus).toString("base64"))).toEqual(
      sent.map(({ nalus }) => Buffer.concat(nalus).toString("base64")),
    );
    expect(received.length).toBe(pictures);
    const { numbers, complaints } = await server.judge();
    expect(complaints).toEqual([]);
    expect(numbers).toEqual(numbersFrom(0));
    const steps = received.slice(1).map(({ timestamp }, i) => timestamp - (received[i]?.timestamp ?? 0));
    const wanted = sent.slice(1).map(({ ptsUs }, i) => (ptsUs - (sent[i]?.ptsUs ?? 0)) * 0.09);
    expect(Math.max(...steps.map((step, i) => Math.abs(step - (wanted[i] ?? 0))))).toBeLessThanOrEqual(1);
    expect(server.requests).toEqual([
      {
        method: "POST",
        path: "/stream/whip",
        authorization: `Bearer ${token}`,
        contentType: "application/sdp",
      },
      { method: "DELETE", path: "/session/1", authorization: `Bearer ${token}`, contentType: undefined },
    ]);
    const told = events.findLast((event) => event.type === "output-progress");
    expect(told?.counters.units).toBe(pictures);
    expect(told?.counters.bytes).toBeGreaterThan(units.reduce((sum, { avcc }) => sum + avcc.length, 0) / 2);
  });

  it("sends again what gets lost", async () => {
    let seen = 0;
    // What was first, nobody can miss.
    const loses = (sequence: number): boolean => (seen += 1) > 10 && sequence % 5 === 4;
    await using server = await startWhipServer({ loses });
    const units = await codedPictures({ count: pictures, size: "1280x720" });
    await outputTo(server.url).run(paced(units), never);
    const { numbers, complaints } = await server.judge();
    expect(server.lost.size).toBeGreaterThan(20);
    expect(complaints).toEqual([]);
    expect(numbers.slice(0, 100)).toEqual(numbersFrom(0).slice(0, 100));
  });

  it("offers the addresses of the one interface, and no sound", async () => {
    await using server = await startWhipServer();
    await outputTo(server.url).run(nothing(), never);
    const [offer = ""] = server.offers;
    const addresses = offer.match(/^a=candidate:.*$/gm)?.map((line) => line.split(" ")[4]);
    expect(addresses).toContain("127.0.0.1");
    expect(addresses?.filter((address) => address !== "::1")).toEqual(["127.0.0.1"]);
    expect(offer.match(/^m=\w+/gm)).toEqual(["m=video"]);
    expect(offer).toMatch(/^a=sendonly/m);
  });

  it("ends at the abort and deletes the session", async () => {
    await using server = await startWhipServer();
    const units = await codedPictures({ count: 60 });
    const controller = new AbortController();
    const done = outputTo(server.url).run(paced(looped(units, 30)), controller.signal);
    await eventually(() => server.packets.length > 50);
    controller.abort();
    await done;
    expect(server.requests.map(({ method }) => method)).toEqual(["POST", "DELETE"]);
  });

  it("ends at an abort while the server thinks", async () => {
    let asked = false;
    await using server = await startWhipServer({ instead: () => (asked = true) });
    const controller = new AbortController();
    const done = outputTo(server.url).run(nothing(), controller.signal);
    await eventually(() => asked);
    controller.abort();
    await done;
  });
});

describe("a WHIP output fails with a fault in plain words", () => {
  it("when the server refuses the token, which is not told to anybody", async () => {
    await using server = await startWhipServer({ token: "another" });
    const fault = await faultOf(server.url, token);
    expect(fault).toMatchObject({ code: "key-refused", retryable: false });
    expect(fault.message).toMatch(/refused the token: 127\.0\.0\.1:\d+ answered 401\. Check streamKey/);
    expect(JSON.stringify([fault, fault.message, fault.cause, fault.stack])).not.toContain(token);
  });

  it("when the server wants a token and there is none", async () => {
    await using server = await startWhipServer({ token });
    expect(await faultOf(server.url)).toMatchObject({
      code: "key-refused",
      message: expect.stringContaining("Set streamKey"),
    });
  });

  it.each([
    [404, "publish-refused", "There is no WHIP at this address"],
    [409, "key-in-use", "Somebody publishes there already"],
    [503, "publish-refused", "no room"],
    [200, "publish-refused", "Expected 201"],
    [302, "publish-refused", "Expected 201"],
  ])("when the server answers %i", async (status, code, words) => {
    await using server = await startWhipServer({
      instead: (response) =>
        response.writeHead(status, { location: "/else" }).end("its\nwords") !== undefined,
    });
    const fault = await faultOf(server.url);
    expect(fault).toMatchObject({ code });
    expect(fault.message).toContain(words);
    expect(fault.message).toContain('"its words"');
    expect(server.requests.length).toBe(1);
  });

  it.each([
    ["no SDP", { "content-type": "text/html", location: "/session/7" }, "got text/html"],
    ["no place of the session", { "content-type": "application/sdp" }, "Location"],
  ])("when the answer has %s", async (_what, headers, words) => {
    await using server = await startWhipServer({
      instead: (response) => response.writeHead(201, headers).end("v=0") !== undefined,
    });
    expect(await faultOf(server.url)).toMatchObject({
      code: "protocol-error",
      message: expect.stringContaining(words),
    });
    expect(server.requests.map(({ method }) => method).slice(1)).toEqual(
      "location" in headers ? ["DELETE"] : [],
    );
  });

  it("when the server takes no H.264, and deletes the session", async () => {
    const headers = { "content-type": "application/sdp", location: "/session/7" };
    await using server = await startWhipServer({
      instead: (response) => response.writeHead(201, headers).end("v=0\r\nm=video 0 x 0\r\n") !== undefined,
    });
    expect(await faultOf(server.url)).toMatchObject({ code: "publish-refused" });
    expect(server.requests.map(({ method }) => method)).toEqual(["POST", "DELETE"]);
  });

  it("when nothing listens there", async () => {
    const server = await startWhipServer();
    await server[Symbol.asyncDispose]();
    expect(await faultOf(server.url)).toMatchObject({ code: "output-unreachable" });
  });

  it("when the server is gone without a word", async () => {
    await using server = await startWhipServer();
    const units = await codedPictures({ count: 60 });
    const output = createWhipOutput({
      name: "crowd",
      target: { url: server.url },
      stallMs: 1000, // the least is more
      report: () => {},
    });
    const done = output.run(paced(looped(units, 30)), never).catch((error: unknown) => error);
    await eventually(() => server.packets.length > 50);
    const goneAt = performance.now();
    await server.vanish();
    expect(await done).toMatchObject({ code: "output-stalled", message: expect.stringContaining("for 8 s") });
    expect(performance.now() - goneAt).toBeLessThan(10_000);
  });
});

describe("a WHIP output over TLS", () => {
  it("trusts the authority that it is given, and no other", async () => {
    const tls = await selfSigned();
    await using server = await startWhipServer({ token, tls });
    expect(await faultOf(server.url, token)).toMatchObject({ code: "output-tls" });
    expect(server.requests).toEqual([]);
    const target = { url: server.url, token: new Secret(token), ca: tls.cert };
    await createWhipOutput({ name: "crowd", target, report: () => {} }).run(nothing(), never);
    expect(server.requests.map(({ method }) => method)).toEqual(["POST", "DELETE"]);
  });

  it("does not go on without it where the server sends it there", async () => {
    const tls = await selfSigned();
    await using other = await startWhipServer();
    await using server = await startWhipServer({
      tls,
      instead: (response) => response.writeHead(307, { location: other.url }).end() !== undefined,
    });
    const output = createWhipOutput({
      name: "crowd",
      target: { url: server.url, ca: tls.cert },
      report: () => {},
    });
    await expect(output.run(nothing(), never)).rejects.toMatchObject({
      code: "output-tls",
      message: expect.stringContaining("without TLS"),
    });
    expect(other.requests).toEqual([]);
  });
});

describe("a WHIP output that is sent on", () => {
  const sendTo = (status: number, url: () => string) =>
    startWhipServer({
      token,
      instead: (response) => response.writeHead(status, { location: url() }).end() !== undefined,
    });

  it.each([307, 308])("takes the token along to the same server (%i)", async (status) => {
    await using server = await startWhipServer({
      token,
      instead: (response, { path }) =>
        path === "/stream/whip" && response.writeHead(status, { location: "/other" }).end() !== undefined,
    });
    await outputTo(server.url, token).run(nothing(), never);
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "POST /stream/whip",
      "POST /other",
      "DELETE /session/1",
    ]);
    expect(server.requests.every(({ authorization }) => authorization === `Bearer ${token}`)).toBe(true);
  });

  it("brings no token to another server", async () => {
    await using other = await startWhipServer();
    await using server = await sendTo(307, () => other.url);
    await outputTo(server.url, token).run(nothing(), never);
    expect(other.requests.map(({ method, authorization }) => [method, authorization])).toEqual([
      ["POST", undefined],
      ["DELETE", undefined],
    ]);
  });

  it("says so where the other server wants the token", async () => {
    await using other = await startWhipServer({ token });
    await using server = await sendTo(307, () => other.url);
    const fault = await faultOf(server.url, token);
    expect(fault).toMatchObject({ code: "key-refused" });
    expect(fault.message).toContain("another host, which does not get the token");
  });

  it("does not go round for ever", async () => {
    await using server = await sendTo(308, () => "/stream/whip");
    expect(await faultOf(server.url, token)).toMatchObject({ code: "protocol-error" });
    expect(server.requests.length).toBe(4);
  });

  it("deletes a session at another server without the token", async () => {
    await using other = await startWhipServer();
    const headers = { "content-type": "application/sdp", location: `${other.origin}/session/9` };
    await using server = await startWhipServer({
      instead: (response) => response.writeHead(201, headers).end("v=0") !== undefined,
    });
    await faultOf(server.url, token);
    expect(other.requests).toMatchObject([
      { method: "DELETE", path: "/session/9", authorization: undefined },
    ]);
  });
});
