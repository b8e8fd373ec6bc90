import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDesiredState } from "../../../src/supervisor/desired-state.ts";

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "spotlive-desired-"));
});
afterAll(() => rm(directory, { recursive: true }));

describe("openDesiredState", () => {
  it("keeps what was wanted from one process to the next", async () => {
    const path = join(directory, "kept");
    expect(await openDesiredState(path, () => {}).read()).toBe("idle");
    await openDesiredState(path, () => {}).remember("live");
    expect(await openDesiredState(path, () => {}).read()).toBe("live");
  });

  it("takes a damaged file for idle", async () => {
    await writeFile(join(directory, "desired"), "\0\0\0");
    expect(await openDesiredState(directory, () => {}).read()).toBe("idle");
  });

  it("warns and goes on when nothing can be written", async () => {
    await writeFile(join(directory, "file"), "");
    const notices: string[] = [];
    const store = openDesiredState(
      join(directory, "file"),
      (event) => event.type === "notice" && notices.push(event.text),
    );
    await store.remember("live");
    expect(notices[0]).toContain("cannot be kept");
  });
});
