import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { leavesOf } from "../../../src/config/environment.ts";
import { renderExample } from "../../../src/config/example.ts";
import { formatOf } from "../../../src/config/keys.ts";
import { Findings } from "../../../src/config/problems.ts";
import { outputSchema } from "../../../src/config/schema-output.ts";
import { schema } from "../../../src/config/schema.ts";
import { readValues } from "../../../src/config/values.ts";

const example = await readFile(new URL("../../../src/config/spotlive.example.yaml", import.meta.url), "utf8");

function valuesOf(text: string): { values: object; problems: readonly object[] } {
  const findings = new Findings("example");
  return { values: readValues(text, {}, findings), problems: findings.problems };
}

describe("the example configuration", () => {
  it("is the one that the schema gives", () => {
    expect(example).toBe(renderExample());
  });

  it("says what the defaults are", () => {
    const { values, problems } = valuesOf(example);
    expect(problems).toEqual([]);
    expect(values).toEqual(valuesOf("").values);
    const uncommented = example.split("\n").filter((line) => !line.trimStart().startsWith("#"));
    for (const { path } of leavesOf(schema))
      expect(
        uncommented.some((line) => line.trimStart().startsWith(`${path.split(".").at(-1)}:`)),
        path,
      ).toBe(true);
  });

  it("shows an output that is one, with its defaults, once its comment is taken away", () => {
    const start = example.indexOf("#outputs:");
    const block = example.slice(start, example.indexOf("\n\n", start)).replaceAll(/^#/gm, "");
    const { values, problems } = valuesOf(block);
    expect(problems).toEqual([]);
    const defaults = Object.fromEntries(leavesOf(outputSchema).map(({ path, key }) => [path, key.default]));
    expect(values).toMatchObject({ outputs: [defaults] });
  });

  it("has a meaning for every key, and an environment name that follows from the path", () => {
    for (const { path, key } of leavesOf(schema)) {
      expect(key.doc).toMatch(/\.$/);
      const name = path
        .replaceAll(".", "_")
        .replaceAll(/[A-Z]/g, (capital) => `_${capital}`)
        .toUpperCase();
      if (!Array.isArray(key.default)) expect(key.env).toBe(`SPOTLIVE_${name}`);
    }
  });

  it("has defaults that its own formats accept", () => {
    for (const { path, key } of [...leavesOf(schema), ...leavesOf(outputSchema)])
      if (key.default !== null) expect(formatOf(key).matches(key.default, key), path).toBe(true);
  });
});
