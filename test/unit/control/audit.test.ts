import { mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { auditCommands } from "../../../src/control/audit.ts";
import type { AuditRecord } from "../../../src/control/audit.ts";
import type { CommandRequest, Result } from "../../../src/domain/command.ts";

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "spotlive-audit-"));
});
afterAll(() => rm(directory, { recursive: true }));

const refuse = (request: CommandRequest): Promise<Result> =>
  Promise.resolve({
    ok: false,
    id: request.id,
    fault: { code: "locked", message: "The camera is locked.", retryable: false },
  });

const request = (id: string, by?: string): CommandRequest => ({
  id,
  command: { kind: "camera", action: { kind: "look", pan: 5, tilt: 0, zoom: 1 } },
  origin: "chat",
  ...(by !== undefined && { by }),
});

async function eventuallyLines(path: string, count: number): Promise<string[]> {
  for (;;) {
    const text = await readFile(path, "utf8").catch(() => "");
    const lines = text.split("\n").filter(Boolean);
    if (lines.length >= count) return lines;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function eventuallyHolds(path: string, text: string): Promise<void> {
  while (!(await readFile(path, "utf8").catch(() => "")).includes(text)) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

describe("auditCommands", () => {
  it("writes who asked for what and what came of it, one JSON line each, readable by its owner alone", async () => {
    const path = join(directory, "one", "audit.log");
    const submit = auditCommands(refuse, { path, report: () => {} });
    await submit(request("a", "line\nbreak\u001B[31m"));
    await submit({ id: "b", command: { kind: "status" }, origin: "http" });
    const [line = "", ...others] = await eventuallyLines(path, 1);
    expect(others).toEqual([]);
    const record = JSON.parse(line) as AuditRecord;
    expect(record).toMatchObject({
      id: "a",
      origin: "chat",
      ok: false,
      code: "locked",
      command: { kind: "camera" },
    });
    expect(line).not.toContain("\u001B");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it("puts full files aside and keeps four of them", async () => {
    const path = join(directory, "rotated", "audit.log");
    const submit = auditCommands(refuse, { path, rotateBytes: 300, report: () => {} });
    for (let i = 0; i < 40; i += 1) {
      await submit(request(`request-${i}`));
      await eventuallyHolds(path, `request-${i}`);
    }
    const files = await readdir(join(directory, "rotated"));
    expect(files.toSorted()).toEqual([
      "audit.log",
      "audit.log.1",
      "audit.log.2",
      "audit.log.3",
      "audit.log.4",
    ]);
  });

  it("answers all the same when nothing can be written, and says so once", async () => {
    await writeFile(join(directory, "file"), "");
    const notices: string[] = [];
    const submit = auditCommands(refuse, {
      path: join(directory, "file", "audit.log"),
      report: (event) => event.type === "notice" && notices.push(event.text),
    });
    for (let i = 0; i < 5; i += 1) expect(await submit(request(`${i}`))).toMatchObject({ ok: false });
    while (notices.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(notices).toHaveLength(1);
  });
});
