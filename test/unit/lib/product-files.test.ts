import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { productFile } from "../../../src/lib/product-files.ts";

describe("productFile", () => {
  it.each([
    "package.json",
    "src/spotlive.mjs",
    "hardware-profiles/software.yaml",
    "systemd/60-spotlive.conf",
  ])("finds %s by its name in the repository", (name) => expect(existsSync(productFile(name))).toBe(true));
});
