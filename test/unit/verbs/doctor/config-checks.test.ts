import { chmod, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findSecrets } from "../../../../src/config/secret-files.ts";
import { runChecks } from "../../../../src/verbs/doctor/check.ts";
import { configChecks } from "../../../../src/verbs/doctor/config-checks.ts";
import { fakeContext, findingOf } from "../../../helpers/doctor.ts";
import { makeFakeRoot } from "../../../helpers/fake-root.ts";

const yaml = `source: spot
spot: { username: u, passwordFile: /secrets/password }
outputs:
  - { name: main, kind: twitch, streamKeyFile: /secrets/key }
  - { name: other, url: "rtmp://host/app", streamKey: hidden }
`;

async function machine(content: string, mode: number) {
  const root = await makeFakeRoot({
    ...{ "/spotlive.yaml": content, "/secrets/password": "p", "/secrets/key": "k" },
  });
  const place = (path: string): string => join(root.directory, path);
  await chmod(place("/spotlive.yaml"), mode);
  await chmod(place("/secrets/password"), 0o600);
  await chmod(place("/secrets/key"), mode);
  const checks = configChecks(
    fakeContext({ directory: root.directory, configPath: place("/spotlive.yaml") }),
  );
  const modeOf = async (path: string): Promise<number> => (await stat(place(path))).mode & 0o777;
  return { root, checks, place, modeOf, [Symbol.asyncDispose]: () => root[Symbol.asyncDispose]() };
}

describe("the places of secrets", () => {
  it("are found in the file and the environment, without the secrets themselves", async () => {
    await using line = await machine(yaml, 0o644);
    const places = await findSecrets(line.place("/spotlive.yaml"), {
      SPOTLIVE_MQTT_PASSWORD_FILE: "/secrets/mqtt",
    });
    expect(places.inline).toEqual(["outputs[1].streamKey"]);
    expect(places.files).toEqual([
      { key: "spot.passwordFile", path: "/secrets/password" },
      { key: "mqtt.passwordFile", path: "/secrets/mqtt" },
      { key: "outputs[0].streamKeyFile", path: "/secrets/key" },
    ]);
    expect(JSON.stringify(places)).not.toContain("hidden");
  });

  it("are none in what is no configuration", async () => {
    await using root = await makeFakeRoot({ "/x.yaml": "a: [" });
    expect(await findSecrets(`${root.directory}/x.yaml`, {})).toMatchObject({ inline: [], files: [] });
    expect(await findSecrets(`${root.directory}/none.yaml`, {})).toMatchObject({ file: undefined });
  });
});

describe("files with secrets", () => {
  it.each([
    [0o600, "ok"],
    [0o400, "ok"],
    [0o640, "warning"],
    [0o644, "wrong"],
  ])("of mode %o are judged %s", async (mode, verdict) => {
    await using line = await machine(yaml, mode);
    const finding = await findingOf(line.checks, "secret-files");
    expect(finding.verdict).toBe(verdict);
    expect(finding.evidence).not.toContain("hidden");
  });

  it("need not be closed where the configuration itself holds no secret", async () => {
    await using line = await machine("source: file\nfile: { path: /x }\n", 0o644);
    expect((await findingOf(line.checks, "secret-files")).evidence).toBe("No file holds a secret.");
  });

  it("are closed by --fix", async () => {
    await using line = await machine(yaml, 0o644);
    const findings = await runChecks(line.checks, { fix: true }, new AbortController().signal);
    expect(findings.find(({ id }) => id === "secret-files")).toMatchObject({
      verdict: "ok",
      fixed: expect.stringMatching(/^Set mode 0600 for \/secrets\/key, .*spotlive\.yaml\.$/),
    });
    expect([await line.modeOf("/secrets/key"), await line.modeOf("/spotlive.yaml")]).toEqual([0o600, 0o600]);
  });

  it.runIf(process.getuid?.() === 0)(
    "of root are left alone where a service of another user reads them",
    async () => {
      await using line = await machine(yaml, 0o644);
      await line.root.write({ "/etc/systemd/system/spotlive.service": "" });
      const findings = await runChecks(line.checks, { fix: true }, new AbortController().signal);
      const finding = findings.find(({ id }) => id === "secret-files");
      expect(finding).toMatchObject({ verdict: "wrong", fixed: expect.stringContaining("LoadCredential=") });
      expect(await line.modeOf("/secrets/key")).toBe(0o644);
    },
  );
});

describe("the configuration", () => {
  it("is wrong with its mistakes as evidence", async () => {
    const context = { ...fakeContext({}), problem: "The configuration has a problem:\nx.yaml:1: y" };
    expect(await findingOf(configChecks(context), "configuration")).toMatchObject({
      verdict: "wrong",
      evidence: context.problem,
    });
  });
});
