import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { KeyChange } from "../../../src/config/change-config.ts";
import { renderExample } from "../../../src/config/example.ts";
import { editYaml } from "../../../src/config/edit-yaml.ts";

function edit(text: string, ...changes: readonly KeyChange[]): string {
  const edited = editYaml(text, changes);
  if ("text" in edited) return edited.text;
  throw new Error(edited.problems.map(({ text }) => text).join());
}

const set = (place: KeyChange["place"], value: unknown): KeyChange => ({ place, value });

describe("an edit of YAML", () => {
  it("keeps comments, order and everything else", () => {
    const text =
      "# Mine.\nhold:\n  max: 10 # seconds\n\n# The web.\nhttp:\n  # The port.\n  port: 80\naudio: none\n";
    expect(edit(text, set(["http", "port"], 8080), set(["audio"], "silent"))).toBe(
      text.replace("port: 80", "port: 8080").replace("none", "silent"),
    );
  });

  it.each([
    ["nothing", "", "http:\n  port: 1\n"],
    ["a comment alone", "# Mine.\n", "# Mine.\n\nhttp:\n  port: 1\n"],
    ["a group with nothing in it", "http:\naudio: none\n", "audio: none\nhttp:\n  port: 1\n"],
    ["a group in one line", "http: {host: a}\n", "http: { host: a, port: 1 }\n"],
  ])("makes the group of a key in %s", (_what, text, expected) => {
    expect(edit(text, set(["http", "port"], 1))).toBe(expected);
  });

  it("makes a list of destinations, and takes one out of it", () => {
    const one = edit(
      "outputs: []\n",
      set(["outputs", 0, "name"], "a"),
      set(["outputs", 0, "url"], "rtmp://h/a"),
    );
    expect(one).toBe("outputs:\n  - name: a\n    url: rtmp://h/a\n");
    const two = edit(one, set(["outputs", 1, "name"], "b"));
    expect(parse(two)).toMatchObject({ outputs: [{ name: "a" }, { name: "b" }] });
    expect(edit(two, set(["outputs", 0], null))).toBe("outputs:\n  - name: b\n");
    expect(edit(two, set(["outputs", 0], null), set(["outputs", 1], null), set(["audio"], "none"))).toBe(
      "audio: none\n",
    );
  });

  it("takes a group away with its last key, and minds nothing that is not there", () => {
    expect(edit("a:\n  b:\n    c: 1\nd: 2\n", set(["a", "b", "c"], null), set(["x", "y"], null))).toBe(
      "d: 2\n",
    );
  });

  it("refuses what it would change in two places, or cannot read", () => {
    for (const text of ["a: &x 1\nb: *x\n", "a: [", "- 1\n", "a: 1\na: 2\n"])
      expect(editYaml(text, [set(["a", "b"], 1)])).toMatchObject({ problems: [{ path: "" }] });
  });

  it("writes whatever text so that it is read back, in the example file too", () => {
    const example = renderExample();
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ minLength: 1 }),
          fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0), // no -0: YAML has 0 alone
          fc.boolean(),
        ),
        (value) => {
          for (const text of ["", example]) {
            const edited = parse(edit(text, set(["mqtt", "username"], value))) as {
              mqtt: { username: unknown };
            };
            expect(edited.mqtt.username).toEqual(value);
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it("never throws, whatever the text is", () => {
    fc.assert(
      fc.property(
        fc.string(),
        (text) => void editYaml(text, [set(["a", "b"], 1), set(["outputs", 0], null)]),
      ),
    );
  });
});
