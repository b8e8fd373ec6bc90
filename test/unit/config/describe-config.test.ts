import { describe, expect, it } from "vitest";
import { describeConfig } from "../../../src/config/describe-config.ts";
import type { KeyDescription } from "../../../src/config/describe-config.ts";
import { renderExample } from "../../../src/config/example.ts";
import { leavesOf } from "../../../src/config/environment.ts";
import { outputSchema } from "../../../src/config/schema-output.ts";
import { schema } from "../../../src/config/schema.ts";

const canary = "canary-9f3b27";

function keysOf(text: string, environment = {}): ReadonlyMap<string, KeyDescription> {
  const groups = describeConfig(text, "s.yaml", environment);
  return new Map(groups.flatMap(({ keys }) => keys).map((key) => [key.path, key]));
}

describe("the description of the settings", () => {
  it("has every key of the schema once, and those of a destination that is not there yet", () => {
    const own = leavesOf(schema).map(({ path }) => path);
    const wanted = [
      ...own.filter((path) => path !== "outputs"),
      ...leavesOf(outputSchema).map(({ path }) => `outputs[0].${path}`),
    ];
    expect([...keysOf("").keys()].toSorted()).toEqual(wanted.toSorted());
    const groups = describeConfig("", "s.yaml", {});
    expect(groups.map(({ name }) => name).slice(0, 5)).toEqual([
      "",
      "spot",
      "spot.payload",
      "spot.tls",
      "spot.cameraTls",
    ]);
    expect(groups.at(-1)).toMatchObject({ name: "outputs[0]", isNew: true });
    expect(new Set(groups.map(({ name }) => name)).size).toBe(groups.length);
  });

  it("says of each what a form needs", () => {
    const keys = keysOf("");
    expect(keys.get("http.port")).toEqual({
      ...{
        path: "http.port",
        doc: "Its port. Not set: there is none.",
        kind: "whole-number",
        min: 1,
        max: 65_535,
      },
      ...{ expected: "a whole number from 1 to 65535", optional: true, env: "SPOTLIVE_HTTP_PORT" },
      ...{ default: null, value: null, from: "default" },
    });
    expect(keys.get("audio")).toMatchObject({ kind: "choice", choices: ["silent", "camera", "none"] });
    expect(keys.get("hold.max")).toMatchObject({ kind: "number", optional: false, value: 600 });
    expect(keys.get("transcode.allow")).toMatchObject({ kind: "switch", value: true });
    expect(keys.get("camera.presets")).toMatchObject({ kind: "list", value: [] });
    expect(keys.get("spot.tls.fingerprint")).toMatchObject({ kind: "text" });
  });

  it("says where a value is from", () => {
    const text = "http: { port: 80, host: 127.0.0.2 }\noutputs: [{ streamKey: abcd }]\n";
    const keys = keysOf(text, { SPOTLIVE_HTTP_PORT: "90", SPOTLIVE_OUTPUT_NAME: "one" });
    expect(keys.get("http.port")).toMatchObject({ value: 90, from: "environment" });
    expect(keys.get("http.host")).toMatchObject({ value: "127.0.0.2", from: "file" });
    expect(keys.get("http.username")).toMatchObject({ value: "spotlive", from: "default" });
    expect(keys.get("outputs[0].name")).toMatchObject({ value: "one", from: "environment" });
    expect(keys.get("outputs[0].streamKey")).toMatchObject({ isSet: true, from: "file" });
    expect(keys.get("outputs[1].streamKey")).toMatchObject({ isSet: false, from: "default" });
  });

  it("tells no secret, wherever it is from", () => {
    const text = `
rtsp: { url: "rtsp://u:${canary}@h/s" }
mqtt: { password: ${canary} }
http: { password: ${canary}, token: ${canary} }
spot: { password: ${canary}, payload: { secret: ${canary} } }
outputs: [{ streamKey: ${canary} }, { name: b, streamKey: ${canary} }]
`;
    expect(JSON.stringify(describeConfig(text, "s.yaml", {}))).not.toContain(canary);
    const environment = {
      SPOTLIVE_SPOT_PASSWORD: canary,
      SPOTLIVE_STREAM_KEY: canary,
      SPOTLIVE_HTTP_TOKEN: canary,
    };
    const described = JSON.stringify(describeConfig("", "s.yaml", environment));
    expect(described).not.toContain(canary);
    expect(keysOf("", environment).get("spot.password")).toMatchObject({ isSet: true, from: "environment" });
    for (const key of keysOf(text).values())
      if (key.kind === "secret") expect(key).not.toHaveProperty("value");
  });

  it("has for the example file the values that are the defaults", () => {
    for (const [path, key] of keysOf(renderExample())) {
      if (key.kind !== "secret") expect(key.value, path).toEqual(key.default);
    }
  });

  it("leaves out a value that does not fit, and says so of what is not YAML", () => {
    expect(keysOf("http: { port: none }\n").get("http.port")).toMatchObject({ value: null, from: "default" });
    expect(() => describeConfig(`http: [${canary}`, "s.yaml", {})).toThrow(/s\.yaml:1: not valid YAML/);
    expect(() => describeConfig(`http: [${canary}`, "s.yaml", {})).not.toThrow(canary);
  });
});
