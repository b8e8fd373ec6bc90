import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readStatus, sendCommand } from "../../../src/control/socket-client.ts";
import { parseRequest, serveSocket } from "../../../src/control/socket.ts";
import type { CommandRequest, Submit } from "../../../src/domain/command.ts";
import { Fault, summarize } from "../../../src/domain/fault.ts";
import type { Status } from "../../../src/domain/status.ts";

const status: Status = {
  phase: "idle",
  reason: "Nobody asked for a stream.",
  desired: "idle",
  locked: false,
  settings: { destinations: ["main"], bitrateCap: null, audio: "silent" },
  sinceSeconds: 1,
  source: { name: "spot", state: "idle", fps: 0, bitsPerSecond: 0 },
  path: "copy",
  outputs: [],
  notices: [],
};

let folder: string;
let path: string;
let controller: AbortController;
let serving: Promise<void>;
let requests: CommandRequest[];

const accept: Submit = (request) => {
  requests.push(request);
  return Promise.resolve({ ok: true, id: request.id, status });
};

/** Serves until the end of the test; resolves when the socket answers. */
async function serve(submit: Submit = accept, giveStatus: () => Status = () => status): Promise<void> {
  serving = serveSocket({ path, submit, status: giveStatus }, controller.signal);
  serving.catch(() => {});
  const answering = async (): Promise<void> => {
    while (
      await readStatus(path).then(
        () => false,
        (error: Fault) => error.code === "not-running",
      )
    );
  };
  await Promise.race([answering(), serving]);
}

/** What the server answers to one raw request: status and body. */
async function ask(
  method: string,
  url: string,
  body?: string,
): Promise<readonly [number | undefined, unknown]> {
  const sent = request({ socketPath: path, method, path: url }).end(body);
  const [response] = await once(sent, "response");
  let text = "";
  for await (const chunk of response) text += chunk;
  return [response.statusCode, JSON.parse(text)];
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "socket-"));
  path = join(folder, "run", "control.sock");
  controller = new AbortController();
  serving = Promise.resolve();
  requests = [];
});
afterEach(async () => {
  controller.abort();
  await serving.catch(() => {});
  await rm(folder, { recursive: true });
});

describe("the control socket", () => {
  it("gives the status and passes commands on", async () => {
    await serve();
    expect(await readStatus(path)).toEqual(status);
    const result = await sendCommand(path, { kind: "start" });
    expect(result).toEqual({ ok: true, id: requests[0]?.id, status });
    expect(requests).toMatchObject([{ command: { kind: "start" }, origin: "cli" }]);
  });

  it("gives a refused command back as a result", async () => {
    const fault = summarize(new Fault("expired", "Too late."));
    await serve(({ id }) => Promise.resolve({ ok: false, id, fault }));
    expect(await sendCommand(path, { kind: "stop" })).toMatchObject({ ok: false, fault });
  });

  it("is open to its owner and its group alone, and leaves nothing beside it", async () => {
    const old = process.umask(0);
    try {
      await serve();
    } finally {
      process.umask(old);
    }
    expect((await stat(path)).mode & 0o777).toBe(0o660);
    await expect.poll(() => readdir(join(folder, "run"))).toEqual(["control.sock"]);
  });

  it("goes away with its signal, even while a client hangs", async () => {
    await serve();
    const hanging = connect(path);
    await once(hanging, "connect");
    hanging.write("POST /api/commands HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{");
    const closed = once(hanging.resume(), "close").catch(() => {});
    controller.abort();
    await serving;
    await closed;
    expect(await readdir(join(folder, "run"))).toEqual([]);
    await expect(readStatus(path)).rejects.toMatchObject({ code: "not-running" });
  });

  it("settles at once when it is asked to end before it begins", async () => {
    controller.abort();
    await serveSocket({ path, submit: accept, status: () => status }, controller.signal);
    expect(await readdir(join(folder, "run"))).toEqual([]);
  });

  it("takes the place of a socket that nobody answers", async () => {
    await mkdir(join(folder, "run"));
    // A server whose file is moved away while it lives cannot remove it when it ends.
    const dead = createServer().listen(join(folder, "run", "dead"));
    await once(dead, "listening");
    const { rename } = await import("node:fs/promises");
    await rename(join(folder, "run", "dead"), path);
    await new Promise((resolve) => dead.close(resolve));
    expect((await stat(path)).isSocket()).toBe(true);
    await serve();
    expect(await readStatus(path)).toEqual(status);
  });

  it("refuses to push another spotlive aside", async () => {
    await serve();
    const second = serveSocket({ path, submit: accept, status: () => status }, controller.signal);
    await expect(second).rejects.toMatchObject({
      code: "config-invalid",
      message: /Another spotlive answers/,
    });
    expect(await readStatus(path)).toEqual(status);
  });

  it("refuses to remove what is no socket", async () => {
    await mkdir(join(folder, "run"));
    await writeFile(path, "precious");
    await expect(
      serveSocket({ path, submit: accept, status: () => status }, controller.signal),
    ).rejects.toMatchObject({
      code: "config-invalid",
    });
  });

  it("fails with a fault where no socket can be made", async () => {
    path = join(folder, "x".repeat(200), "control.sock");
    await expect(
      serveSocket({ path, submit: accept, status: () => status }, controller.signal),
    ).rejects.toBeInstanceOf(Fault);
  });
});

describe("hostile requests to the control socket", () => {
  it.each([
    ["no JSON", "POST", "/api/commands", "start", 400, "malformed"],
    ["an empty body", "POST", "/api/commands", "", 400, "malformed"],
    ["no object", "POST", "/api/commands", "[1]", 400, "malformed"],
    ["an unknown kind", "POST", "/api/commands", '{"kind":"explode"}', 400, "malformed"],
    ["a strange id", "POST", "/api/commands", '{"kind":"start","id":"a b\\n"}', 400, "malformed"],
    ["a long id", "POST", "/api/commands", `{"kind":"start","id":"${"x".repeat(65)}"}`, 400, "malformed"],
    [
      "a huge body",
      "POST",
      "/api/commands",
      `{"kind":"start","x":"${"x".repeat(17_000)}"}`,
      400,
      "malformed",
    ],
    ["another path", "GET", "/../../etc/passwd", undefined, 404, "usage"],
    ["another method", "DELETE", "/api/status", undefined, 404, "usage"],
  ] as const)("answers %s with a fault", async (_, method, url, body, code, fault) => {
    await serve();
    expect(await ask(method, url, body)).toEqual([
      code,
      { ok: false, fault: { code: fault, message: expect.any(String), retryable: expect.any(Boolean) } },
    ]);
    expect(requests).toEqual([]);
    expect(await readStatus(path)).toEqual(status);
  });

  it("survives bytes that are not HTTP", async () => {
    await serve();
    const socket = connect(path).on("error", () => {});
    socket.end(Buffer.from([0, 255, 13, 10, 13, 10]));
    await once(socket.resume(), "close");
    expect(await readStatus(path)).toEqual(status);
  });

  it("answers when the status itself fails", async () => {
    await serve(accept, () => {
      throw new Error("broken");
    });
    expect(await ask("GET", "/api/status")).toMatchObject([500, { ok: false, fault: { code: "internal" } }]);
  });

  it("keeps the id that a client gives, so that a command sent twice acts once", () => {
    expect(parseRequest('{"kind":"start","id":"a-1"}')).toMatchObject({ id: "a-1" });
    expect(parseRequest('{"kind":"start"}').id).toMatch(/^[\w-]{36}$/);
  });

  it("throws nothing but faults for any body", () => {
    const body = fc.oneof(
      fc.string(),
      fc.json(),
      fc.record({ kind: fc.anything(), id: fc.anything() }).map((value) => JSON.stringify(value) ?? ""),
    );
    fc.assert(
      fc.property(body, (text) => {
        try {
          expect(parseRequest(text).id.length).toBeLessThanOrEqual(64);
        } catch (error) {
          expect(error).toMatchObject({ name: "Fault", code: "malformed" });
        }
      }),
    );
  });
});

describe("the client of the control socket", () => {
  it("says plainly that nobody listens", async () => {
    await expect(sendCommand(join(folder, "none"), { kind: "start" })).rejects.toMatchObject({
      code: "not-running",
      message: expect.stringContaining("spotlive is not running"),
    });
  });

  it.each([
    ["is not JSON", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"],
    ["is no status", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"],
    ["is not HTTP", "SSH-2.0-x\r\n"],
    ["is nothing", ""],
  ])("gives a fault when the answer %s", async (_, answer) => {
    const stranger = join(folder, "stranger");
    const server = createServer((socket) => socket.on("error", () => {}).end(answer)).listen(stranger);
    await once(server, "listening");
    try {
      await expect(readStatus(stranger)).rejects.toBeInstanceOf(Fault);
    } finally {
      server.close();
    }
  });
});
