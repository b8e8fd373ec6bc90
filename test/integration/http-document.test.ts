import { readFileSync } from "node:fs";
import Ajv2020 from "ajv/dist/2020.js";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parseChanges } from "../../src/config/change-config.ts";
import { describeConfig } from "../../src/config/describe-config.ts";
import { createHttpSurface } from "../../src/control/http/surface.ts";
import { parseCommand } from "../../src/control/parse-command.ts";
import { createJournal } from "../../src/control/journal.ts";
import { createMask } from "../../src/lib/log.ts";
import { Secret } from "../../src/domain/secret.ts";
import { wrong } from "../../src/verbs/doctor/check.ts";
import { doctorResult } from "../../src/verbs/doctor/report.ts";
import type { LinkState, Status } from "../../src/domain/status.ts";
import { createMemoryLine, fullStatus, idleStatus } from "../unit/control/http/memory-line.ts";

interface Document {
  readonly paths: Record<
    string,
    Record<string, { responses: Record<string, { content: Record<string, unknown> }> }>
  >;
  readonly security: unknown;
}

const line = createMemoryLine();
const journal = createJournal(createMask());
const controller = new AbortController();
const authorization = "Bearer 0123456789abcdef";
const guide = readFileSync(new URL("../../docs/http.md", import.meta.url), "utf8");
const ajv = new Ajv2020.default({ strict: false });
let running: Promise<void>;
let url: string;
let document: Document;

beforeAll(async () => {
  url = await new Promise<string>((resolve, reject) => {
    const options = {
      host: "127.0.0.1",
      port: 0,
      user: "ann",
      allowedHosts: [],
      maxEventClients: 1,
      version: "1.2.3",
      journal,
      setup: {
        isFirstRun: false,
        tryRobot: async () => ({
          ok: false,
          steps: [{ name: "robot", ok: false, text: "No." }],
          settings: {},
        }),
        tryIngest: async () => ({ ok: true, bitsPerSecond: 1, text: "Well." }),
      },
      settings: {
        async describe() {
          const groups = describeConfig("outputs: [{ name: a, streamKey: b }]", "s.yaml", {});
          return { path: "s.yaml", writable: true, groups };
        },
        change: async (changes: unknown) => parseChanges(changes, {}, () => false).problems,
      },
      doctor: () => Promise.resolve(doctorResult([wrong("clock", "It is 1970.", "Bad.", "Wait.")])),
    };
    running = createHttpSurface({ ...options, token: new Secret("0123456789abcdef"), onListening: resolve })(
      line.context,
      controller.signal,
    );
    running.catch(reject);
  });
  document = (await (await ask("GET", "/api/openapi.json")).json()) as Document;
  ajv.addSchema(document, "document");
});
afterAll(async () => {
  controller.abort();
  await running;
});
beforeEach(() => {
  line.status = idleStatus;
});

function ask(method: string, path: string, body?: unknown): Promise<Response> {
  return fetch(url + path, {
    method,
    headers: { authorization, ...(body !== undefined && { "content-type": "application/json" }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

/** What is wrong with a value by a place in the document; undefined when nothing is. */
function faultsOf(place: string, value: unknown): unknown {
  const validate = ajv.compile({ $ref: `document#${place}` });
  return validate(value) ? undefined : validate.errors;
}

/** Checks an answer against what the document says of its route, status and content. */
async function expectAsDocumented(method: string, path: string, response: Response): Promise<void> {
  const operation = document.paths[path]?.[method.toLowerCase()];
  const [type = ""] = (response.headers.get("content-type") ?? "").split(";");
  expect(Object.keys(operation?.responses[response.status]?.content ?? {}), `${method} ${path}`).toEqual([
    type,
  ]);
  if (type !== "application/json") {
    await response.body?.cancel();
    return;
  }
  const escaped = path.replaceAll("/", "~1");
  const place = `/paths/${escaped}/${method.toLowerCase()}/responses/${response.status}/content/application~1json/schema`;
  expect(faultsOf(place, await response.json()), `${method} ${path}`).toBeUndefined();
}

describe("the OpenAPI document", () => {
  beforeAll(async () => {
    journal.note({ type: "phase", phase: "idle", reason: "Nothing was started yet." });
    await journal.watch(line.context.submit)({ id: "a", command: { kind: "stop" }, origin: "cli" });
    const events = await ask("GET", "/api/events");
    let text = "";
    for await (const chunk of events.body ?? [])
      if ((text += Buffer.from(chunk).toString()).includes("event: sample")) break;
  });

  it("names every route", () => {
    const routes = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(routes.toSorted()).toEqual([
      "DELETE /api/session",
      "GET /api/config",
      "GET /api/events",
      "GET /api/history",
      "GET /api/journal",
      "GET /api/openapi.json",
      "GET /api/session",
      "GET /api/status",
      "GET /healthz",
      "GET /metrics",
      "GET /readyz",
      "POST /api/commands",
      "POST /api/doctor",
      "POST /api/restart",
      "POST /api/session",
      "POST /api/setup/ingest",
      "POST /api/setup/robot",
      "PUT /api/config",
    ]);
    expect(document.security).toEqual([{ token: [] }, { session: [] }]);
  });

  it.each([
    ["idle", idleStatus],
    ["full", fullStatus],
    ["waiting", { ...fullStatus, phase: "retrying" }],
  ] as const)("describes what is answered while the line is %s", async (_what, status) => {
    line.status = status;
    for (const [path, operations] of Object.entries(document.paths))
      if ("get" in operations) await expectAsDocumented("GET", path, await ask("GET", path));
    await expectAsDocumented("POST", "/api/commands", await ask("POST", "/api/commands", { kind: "start" }));
    await expectAsDocumented("POST", "/api/commands", await ask("POST", "/api/commands", { kind: "no" }));
    await expectAsDocumented("GET", "/api/status", await fetch(`${url}/api/status`));
    const login = { username: "", password: "0123456789abcdef" };
    await expectAsDocumented("POST", "/api/session", await ask("POST", "/api/session", login));
    await expectAsDocumented("POST", "/api/session", await ask("POST", "/api/session", {}));
    await expectAsDocumented("DELETE", "/api/session", await ask("DELETE", "/api/session"));
  });

  it("describes what is answered about the settings", async () => {
    for (const changes of [{ "http.port": 1 }, { "http.port": 0 }])
      await expectAsDocumented("PUT", "/api/config", await ask("PUT", "/api/config", { changes }));
    await expectAsDocumented("PUT", "/api/config", await ask("PUT", "/api/config", "x".repeat(20_000)));
    await expectAsDocumented("POST", "/api/restart", await ask("POST", "/api/restart"));
  });

  it("describes what is tried out", async () => {
    for (const path of ["/api/setup/robot", "/api/setup/ingest"]) {
      await expectAsDocumented("POST", path, await ask("POST", path, {}));
      await expectAsDocumented("POST", path, await ask("POST", path, {}));
    }
  });

  it("describes what the doctor finds", async () => {
    await expectAsDocumented("POST", "/api/doctor", await ask("POST", "/api/doctor"));
    await expectAsDocumented("POST", "/api/doctor", await ask("POST", "/api/doctor"));
  });

  it.each([
    { kind: "start" },
    { kind: "start", id: "a b" },
    { kind: "fly" },
    {},
    { kind: "clip" },
    { kind: "clip", seconds: 301 },
    { kind: "set", change: { bitrateCap: null, destinations: ["main"], audio: "none", idrSeconds: 2 } },
    { kind: "set", change: { bitrateCap: 99_999 } },
    { kind: "set", change: { volume: 1 } },
    { kind: "set", change: { destinations: [] } },
    { kind: "set" },
    { kind: "camera", action: { kind: "look", pan: -180, zoom: 10 } },
    { kind: "camera", action: { kind: "look", pan: -181 } },
    { kind: "camera", action: { kind: "goto", position: { zoom: 0.5 } } },
    { kind: "camera", action: { kind: "goto" } },
    { kind: "camera", action: { kind: "preset", name: "door 1" } },
    { kind: "camera", action: { kind: "screen", name: "a/b" } },
    { kind: "camera", action: { kind: "lights", brightness: 1.1 } },
    { kind: "camera", action: { kind: "lights" } },
  ])("takes and refuses the same commands as the API: %j", async (command) => {
    const { status } = await ask("POST", "/api/commands", command);
    expect(faultsOf("/components/schemas/CommandRequest", command) === undefined).toBe(status === 200);
  });

  it("is what the guide tells", () => {
    for (const [path, operations] of Object.entries(document.paths))
      for (const method of Object.keys(operations))
        expect(guide).toContain(`${method.toUpperCase()} ${path}`);
    const examples = [...guide.matchAll(/-d '(\{.*\})'/g)].map(
      ([, json = ""]) => JSON.parse(json) as unknown,
    );
    expect(examples.length).toBeGreaterThan(5);
    for (const example of examples) {
      expect(() => parseCommand(example)).not.toThrow();
      expect(faultsOf("/components/schemas/CommandRequest", example)).toBeUndefined();
    }
  });
});

describe("readiness", () => {
  const failed = (state: LinkState): Status => ({ ...idleStatus, source: { ...idleStatus.source, state } });
  it.each([
    ["live", { ...fullStatus }, 200],
    ["idle because nobody wants it live", idleStatus, 200],
    ["idle after the camera failed for good", failed("failed"), 503],
    ["starting", { ...idleStatus, phase: "starting", desired: "live" }, 503],
    ["retrying", { ...fullStatus, phase: "retrying", reason: "The robot is off." }, 503],
    ["stopping", { ...fullStatus, phase: "stopping", desired: "idle" }, 503],
  ] as const)("is told while the line is %s", async (_what, status, code) => {
    line.status = status;
    const response = await ask("GET", "/readyz");
    expect([response.status, await response.json()]).toEqual([
      code,
      { ok: code === 200, phase: status.phase, reason: status.reason },
    ]);
  });
});

describe("the metrics", () => {
  const read = async (): Promise<string> => (await ask("GET", "/metrics")).text();

  it("are well-formed, in base units, with few labels", async () => {
    line.status = fullStatus;
    line.report({ type: "source", name: "spot", state: "waiting", fault: fullStatus.source.fault });
    const text = await read();
    for (const sample of text.split("\n").filter((one) => one !== "" && !one.startsWith("#"))) {
      const [, name = "", labels = ""] = /^(\w+)(?:\{(.*)\})? -?[\d.e+-]+$/.exec(sample) ?? [];
      expect(name, sample).toMatch(/^spotlive_[a-z0-9_]+$/);
      expect(name, sample).not.toMatch(/_(ms|milliseconds|bits|kb|us)(_|$)/);
      if (name === "spotlive_build_info") continue;
      const names = labels.split(",").flatMap((one) => one.split("=")[0] || []);
      for (const label of names)
        expect(["source", "output", "reason", "reading", "mark"], sample).toContain(label);
    }
    for (const [, name = "", type] of text.matchAll(/^# TYPE (\w+) (\w+)$/gm))
      expect(name.endsWith("_total"), name).toBe(type === "counter");
    expect(text).toContain('spotlive_build_info{version="1.2.3"');
  });

  it("follow the status", async () => {
    line.status = fullStatus;
    const live = await read();
    expect(live).toContain("\nspotlive_live 1\n");
    expect(live).toContain('spotlive_source_pictures_total{source="spot"} 300\n');
    expect(live).toContain('spotlive_output_latency_p99_seconds{output="main"} 0.004\n');
    expect(live).toContain('spotlive_output_queue_dropped_pictures_total{output="main"} 7\n');
    expect(live).toContain('spotlive_health_temperature_celsius{reading="processor"} 77.5\n');
    expect(live).toContain('spotlive_health_level{reading="processor"} 1\n');
    expect(live).toContain('spotlive_boot_mark_seconds{mark="robot"} 9.1\n');
    expect(await read()).toContain('spotlive_source_pictures_total{source="spot"} 300\n');
    line.status = idleStatus;
    const idle = await read();
    expect(idle).toContain("\nspotlive_live 0\n");
    expect(idle).not.toContain("spotlive_source_pictures_total{");
  });

  it("count every fault by its code", async () => {
    const fault = { code: "output-closed", message: "Closed.", retryable: true } as const;
    line.report({ type: "output", name: "other", state: "waiting", fault });
    line.report({ type: "output", name: "other", state: "connecting", fault });
    line.report({ type: "output", name: "other", state: "failed", fault });
    expect(await read()).toContain('spotlive_output_faults_total{output="other",reason="output-closed"} 2\n');
  });
});
