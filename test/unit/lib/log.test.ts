import { Buffer } from "node:buffer";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import { Secret } from "../../../src/domain/secret.ts";
import { createLog, createMask } from "../../../src/lib/log.ts";
import type { Log } from "../../../src/lib/log.ts";

/** Holds what JSON and URLs escape. */
const canary = 'live_"ca\\nary"/9+ä%';

function logInto(secrets: readonly (Secret | string)[]): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const mask = createMask();
  for (const secret of secrets) mask.add(secret);
  const log = createLog({ level: "debug", mask, destination: { write: (line) => lines.push(line) } });
  return { log, lines };
}

const apply = (secret: string, line: string): string => {
  const mask = createMask();
  mask.add(secret);
  return mask.apply(line);
};

describe("the log", () => {
  it("writes one JSON object a line, with the time, the level as a word and the part", () => {
    const { log, lines } = logInto([]);
    log.child({ part: "output/main" }).info({ queue: 3 }, "queue grows");
    log.trace("too fine");
    expect(lines).toHaveLength(1);
    expect(lines[0]?.endsWith("\n")).toBe(true);
    expect(JSON.parse(lines[0] ?? "")).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      level: "info",
      part: "output/main",
      queue: 3,
      msg: "queue grows",
    });
  });

  it("writes a fault with its code and its causes", () => {
    const { log, lines } = logInto([]);
    const fault = new Fault("key-refused", "The certificate is wrong.", { cause: new Error("self-signed") });
    log.error({ err: fault }, "gave up");
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      err: { code: "key-refused", retryable: false, stack: expect.stringContaining("self-signed") },
    });
  });

  it.each<[string, (log: Log, secret: Secret) => void]>([
    ["a message", (log) => log.info(`publishing rtmp://host/app/${canary}`)],
    ["the message of an error", (log) => log.error({ err: new Error(`no such stream: ${canary}`) })],
    [
      "the cause of a cause",
      (log) => log.error({ err: new Error("a", { cause: new Error("b", { cause: new Error(canary) }) }) }),
    ],
    ["a stack", (log) => log.error({ stack: new Error(canary).stack })],
    ["a deep object", (log) => log.warn({ a: { b: { c: { d: { e: [canary] } } } } })],
    ["a key of an object", (log) => log.warn({ [canary]: 1 })],
    ["JSON inside a text", (log) => log.info(JSON.stringify({ key: canary }))],
    ["JSON inside JSON inside a text", (log) => log.info(JSON.stringify(JSON.stringify({ key: canary })))],
    ["a URL", (log) => log.info(`http://host/?key=${encodeURIComponent(canary)}`)],
    ["a form", (log) => log.info(new URLSearchParams({ key: canary }).toString())],
    ["base64", (log) => log.info(Buffer.from(canary).toString("base64"))],
    ["a child's bindings", (log) => log.child({ key: canary }).info("hello")],
    ["the secret itself", (log, secret) => log.info({ secret }, String(secret))],
  ])("masks a secret in %s", (_, write) => {
    const secret = new Secret(canary);
    const { log, lines } = logInto([secret]);
    write(log, secret);
    expect(lines.join("")).not.toMatch(/nary|9%2B|live_/);
    expect(lines.join("")).toContain("***");
    expect(() => JSON.parse(lines[0] ?? "")).not.toThrow();
  });
});

describe("the log on standard output", () => {
  const total = 12_000;
  const program = `
    import { createLog, createMask } from ${JSON.stringify(new URL("../../../src/lib/log.ts", import.meta.url).href)};
    process.stdout.on("error", () => {});
    const log = createLog({ level: "info", mask: createMask() });
    for (let i = 0; i < ${total}; i += 1) log.info({ pad: "x".repeat(200) }, "line");
    console.error("written");
    process.stdin.resume().once("data", () => {
      log.info("last");
      process.exitCode = 7;
      process.stdin.destroy();
    });`;

  it("never blocks on a reader that does not read, and counts what it had to drop", async () => {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program]);
    await once(child.stderr, "data"); // all lines are written although nobody has read one
    let text = "";
    const emptied = once(child.stdout, "end");
    child.stdout.on("data", (chunk) => {
      text += String(chunk);
      if (text.length > 1_000_000) child.stdin.write("go");
    });
    await emptied;
    const lines = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const dropped = lines.find(({ msg }) => msg === "lines were dropped").dropped;
    expect(lines.filter(({ msg }) => msg === "line").length + dropped).toBe(total);
    expect(lines.at(-1).msg).toBe("last");
  });

  it("lets the process go on and end when its reader has gone", async () => {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program]);
    child.stdout.destroy();
    child.stdin.write("go");
    expect(await once(child, "exit")).toEqual([7, null]);
  });
});

describe("the mask", () => {
  it("removes user and password from any URL, known or not", () => {
    expect(createMask().apply("rtsp://admin:p@ss@10.0.0.1:554/x and http://host/?a=b@c")).toBe(
      "rtsp://***@10.0.0.1:554/x and http://host/?a=b@c",
    );
  });

  it("knows the password inside a secret address", () => {
    expect(apply("rtsp://admin:s3cr%2Ft@host/x", "login failed for s3cr/t")).toBe("login failed for ***");
  });

  it("finds a secret at every offset of a base64 text", () => {
    for (const user of ["", "u", "us", "use", "user"]) {
      const header = Buffer.from(`${user}:correct-horse:tail`).toString("base64");
      const masked = apply("correct-horse", header);
      expect(masked).toContain("***");
      const rest = masked
        .split("***")
        .map((part) => Buffer.from(part, "base64").toString("latin1"))
        .join("");
      expect(rest).not.toMatch(/orrect|hors/);
    }
  });

  it("hides the longer of two secrets that begin alike", () => {
    const mask = createMask();
    mask.add("abcd");
    mask.add("abcdefgh");
    expect(mask.apply("abcdefgh abcd")).toBe("*** ***");
  });

  it("leaves texts of fewer than four characters alone, as they would be found everywhere", () => {
    expect(apply("abc", "abc is the alphabet")).toBe("abc is the alphabet");
    expect(apply("", "nothing")).toBe("nothing");
  });

  it("masks secrets that are added after the log was made", () => {
    const lines: string[] = [];
    const mask = createMask();
    const log = createLog({ level: "info", mask, destination: { write: (line) => lines.push(line) } });
    mask.add("token-123456");
    log.info("token-123456");
    expect(lines[0]).not.toContain("token-123456");
  });

  it("masks the newest tokens and forgets those that were renewed long ago, never a lasting secret", () => {
    const mask = createMask();
    mask.add("stream-key-1");
    for (let i = 0; i < 20; i += 1) mask.addToken(new Secret(`token-number-${i}!`));
    expect(mask.apply("stream-key-1 token-number-19! token-number-4!")).toBe("*** *** ***");
    expect(mask.apply("token-number-3!")).toBe("token-number-3!");
  });

  it("leaves nothing of any secret in any log line", () => {
    // Sixteen random characters do not occur in a line by chance.
    const secret = fc.string({ minLength: 16, maxLength: 40, unit: "binary" });
    fc.assert(
      fc.property(secret, fc.string({ unit: "binary" }), (value, around) => {
        const { log, lines } = logInto([value]);
        log.info({ deep: { value: around + value + around } }, around + value);
        const line = lines.join("");
        expect(line).not.toContain(JSON.stringify(value).slice(1, -1));
        expect(JSON.parse(line)).toMatchObject({ level: "info" });
      }),
      { numRuns: 200 },
    );
  });

  it("takes linear time for hostile lines", () => {
    const startedAt = performance.now();
    for (const piece of ["://", "://a", "a", "@", "://@"]) createMask().apply(piece.repeat(200_000));
    expect(performance.now() - startedAt).toBeLessThan(3000);
  });
});
