import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openMemory, parseRemembered } from "../../../src/supervisor/memory.ts";
import type { Remembered } from "../../../src/supervisor/memory.ts";

const configured: Remembered = {
  desired: "idle",
  locked: false,
  settings: { destinations: ["main", "backup"], bitrateCap: null, audio: "silent" },
};
const changed: Remembered = {
  desired: "live",
  locked: true,
  settings: { destinations: ["backup"], bitrateCap: 3_000_000, audio: "camera" },
};

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "spotlive-memory-"));
});
afterAll(() => rm(directory, { recursive: true }));

describe("openMemory", () => {
  it("keeps what was wanted, set and locked from one process to the next", async () => {
    const path = join(directory, "kept");
    expect(await openMemory(path, () => {}).read(configured)).toEqual(configured);
    await openMemory(path, () => {}).keep(changed);
    expect(await openMemory(path, () => {}).read(configured)).toEqual(changed);
  });

  it("warns and goes on when nothing can be written", async () => {
    await writeFile(join(directory, "file"), "");
    const notices: string[] = [];
    const memory = openMemory(
      join(directory, "file"),
      (event) => event.type === "notice" && notices.push(event.text),
    );
    await memory.keep(changed);
    expect(notices[0]).toContain("cannot be kept");
  });
});

describe("parseRemembered", () => {
  it("forgets outputs that are no longer configured, and takes all when none is left", () => {
    const text = JSON.stringify({ ...changed, settings: { ...changed.settings, destinations: ["old"] } });
    expect(parseRemembered(text, configured).settings.destinations).toEqual(["main", "backup"]);
  });

  it("takes whatever a damaged card gives back", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const { settings } = parseRemembered(text, configured);
        expect(settings.destinations.length).toBeGreaterThan(0);
      }),
    );
  });
});
