import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { secretsOf } from "../../../src/config/build.ts";
import type { Config } from "../../../src/config/config.ts";
import { loadConfig, parseConfig } from "../../../src/config/load.ts";
import { Fault } from "../../../src/domain/fault.ts";
import { Secret } from "../../../src/domain/secret.ts";

type Environment = Record<string, string | undefined>;

const canary = "canary-9f3b27";
const minimal = `
spot:
  username: operator
  password: ${canary}
`;

const parse = (text: string, environment: Environment = {}): Promise<Config> =>
  parseConfig(text, "s.yaml", environment);

/** The problems of a configuration that must be refused, one per line. */
async function problemsOf(text: string, environment: Environment = {}): Promise<readonly string[]> {
  const fault = await parse(text, environment).then(
    () => expect.unreachable("it was accepted"),
    (error: unknown) => error,
  );
  expect(fault).toBeInstanceOf(Fault);
  expect(fault).toMatchObject({ code: "config-invalid", retryable: false });
  const [, ...lines] = (fault as Fault).message.split("\n");
  return lines;
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "config-"));
  await writeFile(join(folder, "key"), `${canary}\n`);
  await writeFile(join(folder, "lines"), "one\ntwo\n");
  await writeFile(join(folder, "empty"), "\n");
  await writeFile(join(folder, "ca.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
});
afterAll(() => rm(folder, { recursive: true }));

describe("a configuration that is right", () => {
  it("needs no more than a login, and has no outputs then", async () => {
    const config = await parse(minimal);
    expect(config).toMatchObject({
      source: {
        kind: "spot",
        host: "192.168.50.3",
        cameraHost: "192.168.50.3",
        cameraPort: 31_102,
        onLoss: "freeze",
      },
      outputs: [],
      audio: "silent",
      queue: { milliseconds: 1200 },
    });
    expect(secretsOf(config).map((secret) => secret.reveal())).toEqual([canary]);
  });

  it("is frozen to the bottom", async () => {
    const config = await parse(minimal);
    const all = (value: unknown): boolean =>
      typeof value !== "object" ||
      value === null ||
      (Object.isFrozen(value) && Object.values(value).every(all));
    expect(all(config)).toBe(true);
  });

  it("takes payload credentials instead of a user", async () => {
    const { source } = await parse(`spot: { payload: { guid: g-1, secretFile: ${join(folder, "key")} } }`);
    expect(source).toMatchObject({ login: { kind: "payload", guid: "g-1", secret: expect.any(Secret) } });
  });

  it.each([
    ["{}", { kind: "system" }],
    ["{ caFile: /robot.pem }", { kind: "ca", file: "/robot.pem" }],
    [`{ fingerprint: "${"AB:".repeat(31)}AB" }`, { kind: "fingerprint", sha256: "ab".repeat(32) }],
    ["{ insecure: true }", { kind: "insecure" }],
  ])("reads the trust %s", async (yaml, trust) => {
    const { source } = await parse(`${minimal}  cameraTls: ${yaml}\n`);
    expect(source).toMatchObject({ cameraTls: trust });
  });

  it("reads a file and an RTSP camera", async () => {
    expect((await parse("source: file\nfile: { path: a.h264, loop: false }")).source).toEqual({
      kind: "file",
      path: "a.h264",
      loop: false,
    });
    const { source } = await parse(
      `source: rtsp\nrtsp: { url: "rtsp://u:${canary}@host/x", transport: udp }`,
    );
    expect(source).toMatchObject({ kind: "rtsp", transport: "udp", url: expect.any(Secret) });
  });

  it("reads several outputs", async () => {
    const { outputs } = await parse(`${minimal}
outputs:
  - { name: main, streamKeyFile: ${join(folder, "key")}, bandwidthTest: true }
  - { name: own, url: "rtmps://host:1936/app", streamKey: k-12345, caFile: ${join(folder, "ca.pem")} }
`);
    expect(outputs).toMatchObject([
      { name: "main", kind: "twitch", ingest: "auto", bandwidthTest: true },
      { name: "own", kind: "rtmp", url: "rtmps://host:1936/app", ca: expect.stringContaining("AAAA") },
    ]);
    expect(outputs.map(({ streamKey }) => streamKey?.reveal())).toEqual([canary, "k-12345"]);
  });

  it("reads a WHIP output, of which the token is optional, by its address alone", async () => {
    const { outputs } = await parse(`${minimal}
outputs:
  - { name: crowd, url: "https://host/spot/whip", streamKey: token-12345 }
  - { name: open, url: "http://10.0.0.5:8889/spot/whip" }
`);
    expect(outputs).toMatchObject([
      { name: "crowd", kind: "whip", url: "https://host/spot/whip", rules: "webrtc" },
      { name: "open", kind: "whip", rules: "webrtc", streamKey: undefined },
    ]);
    expect(outputs[0]?.streamKey?.reveal()).toBe("token-12345");
  });

  it.each([
    [`kind: whip, url: "rtmp://host/app"`, "url: expected an address that begins with https:// or http://"],
    [
      `kind: rtmp, url: "https://host/app", streamKey: abc`,
      "url: expected an address that begins with rtmp://",
    ],
    ["kind: whip", "url: expected the server's address (kind is whip)"],
    [`url: "https://host/app", bandwidthTest: true`, "bandwidthTest: is for kind twitch"],
    [`url: "https://host/app", onSizeChange: republish`, "onSizeChange: expected inband"],
    [`streamKey: abc, url: "https://user:pass@host/app"`, "url: expected an address like"],
  ])("refuses an output of { %s }", async (output, problem) => {
    const problems = await problemsOf(`${minimal}\noutputs: [{ ${output} }]`);
    expect(problems).toEqual([expect.stringContaining(`outputs[0].${problem}`)]);
  });

  it("shows no secret however it is printed", async () => {
    const config = await parse(minimal, { SPOTLIVE_STREAM_KEY: canary });
    expect(inspect(config, { depth: 9 }) + JSON.stringify(config) + String(secretsOf(config))).not.toContain(
      canary,
    );
  });
});

describe("the environment", () => {
  it("wins over the file, and an empty variable counts as not set", async () => {
    const environment = { SPOTLIVE_SPOT_HOST: "robot", SPOTLIVE_SPOT_PORT: "1443", SPOTLIVE_AUDIO: "" };
    const { source, audio } = await parse(`${minimal}  host: other\naudio: none`, environment);
    expect(source).toMatchObject({ host: "robot", port: 1443 });
    expect(audio).toBe("none");
  });

  it("makes one Twitch output of a stream key alone, and one on any server with an address", async () => {
    const key = { SPOTLIVE_STREAM_KEY: canary };
    expect((await parse(minimal, { ...key })).outputs).toMatchObject([{ kind: "twitch", name: "main" }]);
    const url = "rtmp://127.0.0.1:1935/live";
    expect((await parse(minimal, { ...key, SPOTLIVE_RTMP_URL: url })).outputs).toMatchObject([
      { kind: "rtmp", url },
    ]);
  });

  it("changes the only output of the file", async () => {
    const file = `${minimal}\noutputs: [{ name: own, url: "rtmp://host/app", streamKey: from-file }]`;
    const environment = { SPOTLIVE_STREAM_KEY: "from-environment", SPOTLIVE_RTMP_URL: "rtmp://other/app" };
    const { outputs } = await parse(file, environment);
    expect(outputs).toMatchObject([{ name: "own", url: "rtmp://other/app" }]);
    expect(outputs[0]?.streamKey?.reveal()).toBe("from-environment");
  });

  it("does not send a Twitch key elsewhere by an address alone", async () => {
    const file = `${minimal}\noutputs: [{ kind: twitch, streamKey: abcd }]`;
    expect(await problemsOf(file, { SPOTLIVE_RTMP_URL: "rtmp://other/app" })).toEqual([
      expect.stringMatching(/^SPOTLIVE_RTMP_URL: outputs\[0\]\.url: is for kind rtmp/),
    ]);
  });

  it("replaces a secret's file by its value", async () => {
    const { source } = await parse("spot: { username: u, passwordFile: /nowhere }", {
      SPOTLIVE_SPOT_PASSWORD: canary,
    });
    expect(secretsOf(source).map((secret) => secret.reveal())).toEqual([canary]);
  });

  it("is refused where it could mean several outputs", async () => {
    const file = `${minimal}\noutputs: [{ name: a, streamKey: abcd }, { name: b, streamKey: efgh }]`;
    expect(await problemsOf(file, { SPOTLIVE_STREAM_KEY: canary })).toEqual([
      "SPOTLIVE_STREAM_KEY: means the one output, but s.yaml lists 2: set it there instead",
    ]);
  });

  it("names a misspelt variable and one of the wrong type", async () => {
    const environment = { SPOTLIVE_SPOT_PROT: "1", SPOTLIVE_SPOT_PORT: "12abc", SPOTLIVE_FILE_LOOP: "0" };
    expect(await problemsOf(minimal, environment)).toEqual([
      'SPOTLIVE_SPOT_PORT: expected a whole number from 1 to 65535, got "12abc"',
      'SPOTLIVE_FILE_LOOP: expected true or false, got "0"',
      "SPOTLIVE_SPOT_PROT: there is no such environment variable. Did you mean SPOTLIVE_SPOT_PORT?",
    ]);
  });

  it("loses its secrets once they are read, so that no child process inherits them", async () => {
    const environment: Environment = {
      SPOTLIVE_STREAM_KEY: canary,
      SPOTLIVE_LOG_LEVEL: "debug",
      PATH: "/bin",
    };
    await parse(minimal, environment);
    expect(environment).toEqual({ SPOTLIVE_LOG_LEVEL: "debug", PATH: "/bin" });
  });
});

describe("a configuration that is wrong", () => {
  it("names file, line, key, expected and got, of all problems at once", async () => {
    const problems = await problemsOf(`source: sopt
spot:
  usrname: u
  port: "443"
  tls: [1]
  cameraTls: { insecure: yes }
  idrSeconds: 99
audio: { a: 1 }
outputs:
  - { name: Main Stage, streamKey: abcd }
  - 5
`);
    expect(problems.slice(0, 8)).toEqual([
      's.yaml:1: source: expected one of spot, file, rtsp, got "sopt"',
      "s.yaml:3: spot.usrname: there is no such key. Did you mean username?",
      's.yaml:4: spot.port: expected a whole number from 1 to 65535, got "443"',
      "s.yaml:5: spot.tls: expected a group of keys, got a list",
      's.yaml:6: spot.cameraTls.insecure: expected true or false, got "yes"',
      "s.yaml:7: spot.idrSeconds: expected a number from 0.5 to 10, got 99",
      "s.yaml:8: audio: expected one of silent, camera, none, got a group of keys",
      's.yaml:10: outputs[0].name: expected a name of 1 to 32 small letters, digits and hyphens, got "Main Stage"',
    ]);
    expect(problems.slice(8)).toContain(
      "s.yaml:2: spot: expected username and password, or payload.guid and payload.secret, got none of them",
    );
  });

  it.each([
    [
      "two logins",
      "spot: { username: u, password: pppp, payload: { guid: g, secret: ssss } }",
      /^s\.yaml:1: spot: expected username/,
    ],
    [
      "two ways to trust",
      `${minimal}  tls: { caFile: /x, insecure: true }`,
      /^s\.yaml:5: spot\.tls: expected at most one/,
    ],
    ["no file to play", "source: file", /^s\.yaml:?.*file\.path: expected the file/],
    [
      "a secret twice",
      `${minimal}  passwordFile: /dev/null`,
      /^s\.yaml:5: spot\.passwordFile: expected either/,
    ],
    [
      "the same name twice",
      `${minimal}\noutputs: [{ streamKey: abcd }, { streamKey: efgh }]`,
      /outputs\[1\]\.name: expected a name of its own/,
    ],
    [
      "no stream key",
      `${minimal}\noutputs:\n  - { kind: twitch }`,
      /^s\.yaml:7: outputs\[0\]\.streamKey: expected a stream key/,
    ],
    [
      "rtmp without address",
      `${minimal}\noutputs: [{ kind: rtmp, streamKey: abcd }]`,
      /outputs\[0\]\.url: expected the server's address/,
    ],
    [
      "nine outputs",
      `${minimal}\noutputs: [${"{}, ".repeat(9)}]`,
      /outputs: expected a list of at most 8 outputs, got a list of 9/,
    ],
    [
      "a password in an address",
      `${minimal}\noutputs: [{ url: "rtmp://u:p@h/app", streamKey: abcd }]`,
      /without user, password or stream key/,
    ],
    ["a key of the prototype", `${minimal}\n__proto__: { port: 1 }`, /__proto__: there is no such key/],
    [
      "a secret that is a number",
      "spot: { username: u, password: 123456 }",
      /got a number \(hidden, as it may be a secret\) \(put it in quotes\)/,
    ],
    [
      "a missing secret file",
      "spot: { username: u, passwordFile: /nowhere }",
      /spot\.passwordFile: expected a file that can be read, got ENOENT for \/nowhere/,
    ],
  ])("refuses %s", async (_, yaml, expected) => {
    const problems = await problemsOf(yaml);
    expect(problems[0]).toMatch(expected);
  });

  it("refuses a secret file of several lines and an empty one", async () => {
    for (const [name, got] of [
      ["lines", "something else"],
      ["empty", "none"],
    ] as const)
      expect(await problemsOf(`spot: { username: u, passwordFile: ${join(folder, name)} }`)).toEqual([
        `s.yaml:1: spot.passwordFile: expected one line of text in ${join(folder, name)}, got ${got}`,
      ]);
  });

  it.each([
    ["an alias", `spot: { password: *${canary} }`],
    ["a tag", `spot: { password: !${canary} x }`],
    ["a bad escape", `spot: { password: "\\q${canary}" }`],
    ["a bad indent", `spot:\n password: ${canary}\n  x: ${canary}: y`],
    ["a reserved character", `spot: { password: @${canary} }`],
    ["an open quote", `spot: { password: "${canary} }`],
    ["a block header", `spot:\n  password: >${canary}\n`],
    ["a wrong type", `spot: { password: [${canary}] }\naudio: { ${canary}: 1 }`],
  ])("never quotes a secret: %s", async (_, yaml) => {
    expect((await problemsOf(yaml)).join("\n")).not.toContain(canary);
  });

  it("says only that the file is not YAML where it is not", async () => {
    expect(await problemsOf("source: [")).toEqual([expect.stringMatching(/^s\.yaml:1: not valid YAML: /)]);
  });

  it("survives deep nesting, many aliases and a long file", async () => {
    await problemsOf("[".repeat(60_000));
    await problemsOf(`a: &a [x]\nb: &b [${"*a, ".repeat(1000)}]\nsource: *b\nspot: *b`);
    await problemsOf(`# ${"x".repeat(100_000)}`);
    const unknown = Array.from({ length: 2000 }, (_, index) => `usernames${index}: 1`).join("\n");
    expect(await problemsOf(unknown)).toHaveLength(100);
  });
});

describe("finding the file", () => {
  it("takes the one that is named, and says when it is not there", async () => {
    const path = join(folder, "spotlive.yaml");
    await writeFile(path, minimal);
    expect((await loadConfig(path, {})).source.kind).toBe("spot");
    await expect(loadConfig("/nowhere.yaml", {})).rejects.toThrow(
      "There is no configuration file /nowhere.yaml.",
    );
    await expect(loadConfig(folder, {})).rejects.toThrow(/cannot be read/);
  });
});

describe("whatever is in the file", () => {
  const onlyFaults = async (text: string, environment: Environment = {}): Promise<void> => {
    const outcome = await parse(text, environment).catch((error: unknown) => error);
    if (outcome instanceof Error) expect(outcome).toMatchObject({ name: "Fault", code: "config-invalid" });
  };

  it("throws nothing but a fault for any text", () =>
    fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 300, unit: "binary" }), (text) => onlyFaults(text)),
      { numRuns: 300 },
    ));

  it("throws nothing but a fault for text that looks like YAML", () => {
    const piece = fc.constantFrom(
      ..."source: spot outputs - { } [ ] , : & * ! | > ' \" # ? ~ null 0x1f .inf 1e999 true <<: --- ... %YAML a b \n \n\n \t".split(
        " ",
      ),
      " ",
      "  ",
      "\n  ",
      "spot:\n  password: ",
      "tls: ",
      "name: ",
      "payload: ",
    );
    return fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 40 }), (pieces) => onlyFaults(pieces.join(""))),
      { numRuns: 500 },
    );
  });

  it("throws nothing but a fault for any values under the right keys", () => {
    const keys = [
      "source",
      "spot",
      "tls",
      "username",
      "password",
      "payload",
      "outputs",
      "name",
      "url",
      "queue",
      "bytes",
      "autostart",
    ];
    const value = fc.letrec((tie) => ({
      node: fc.oneof(
        { maxDepth: 3, depthSize: "small" },
        fc.jsonValue({ maxDepth: 2 }),
        fc.dictionary(fc.constantFrom(...keys), tie("node")),
        fc.array(tie("node"), { maxLength: 10 }),
      ),
    })).node;
    return fc.assert(
      fc.asyncProperty(fc.dictionary(fc.constantFrom(...keys), value), (object) =>
        onlyFaults(JSON.stringify(object)),
      ),
      { numRuns: 150 },
    );
  });

  it("throws nothing but a fault for any environment", () => {
    const name = fc.constantFrom(
      "SPOTLIVE_SPOT_PORT",
      "SPOTLIVE_STREAM_KEY",
      "SPOTLIVE_RTMP_URL",
      "SPOTLIVE_AUDIO",
      "SPOTLIVE_QUEUE_BYTES",
      "SPOTLIVE_FILE_LOOP",
      "SPOTLIVE_X",
    );
    return fc.assert(
      fc.asyncProperty(fc.dictionary(name, fc.string({ unit: "binary" })), (environment) =>
        onlyFaults(minimal, environment),
      ),
      { numRuns: 300 },
    );
  });
});
