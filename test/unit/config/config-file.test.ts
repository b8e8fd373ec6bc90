import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openConfigFile } from "../../../src/config/config-file.ts";
import type { Environment } from "../../../src/config/environment.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { renderExample } from "../../../src/config/example.ts";

const fits = (): undefined => undefined;
const minimal = "# Mine.\nspot:\n  username: operator # who\n  password: secret-word\n";

let folder = "";
let path = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "config-file-"));
  path = join(folder, "spotlive.yaml");
  await writeFile(path, minimal, { mode: 0o644 });
});
afterEach(() => rm(folder, { recursive: true }));

const text = (): Promise<string> => readFile(path, "utf8");
const modeOf = async (): Promise<number> => (await stat(path)).mode & 0o777;

describe("a change of the configuration file", () => {
  it("is what is loaded at the next start, comments and all, and is nobody else's to read", async () => {
    const file = await openConfigFile(path, {});
    const change = { "http.port": 8080, "outputs[0].streamKey": "live_1", "hold.max": 5.5 };
    expect(await file.change(change, fits)).toEqual([]);
    expect(await text()).toBe(
      `${minimal}http:\n  port: 8080\noutputs:\n  - streamKey: live_1\nhold:\n  max: 5.5\n`,
    );
    expect(await modeOf()).toBe(0o600);
    expect(await readdir(folder)).toEqual(["spotlive.yaml"]);
    const config = await loadConfig(path, {});
    expect(config).toMatchObject({ http: { port: 8080 }, hold: { max: 5.5 }, outputs: [{ kind: "twitch" }] });
    expect(await file.change({ "http.port": null, "hold.max": null, "outputs[0]": null }, fits)).toEqual([]);
    expect(await text()).toBe(minimal);
  });

  it("takes place in the example file, where every key stands", async () => {
    await writeFile(path, renderExample());
    const file = await openConfigFile(path, {});
    const change = {
      "spot.username": "operator",
      "spot.password": "word",
      "mqtt.url": "mqtt://h",
      uplinks: ["eth0"],
    };
    expect(await file.change(change, fits)).toEqual([]);
    const [before, after] = [renderExample().split("\n"), (await text()).split("\n")];
    const differing = after.filter((line, index) => line !== before[index]);
    expect(differing.join("\n")).toMatch(/username: operator/);
    expect(await loadConfig(path, {})).toMatchObject({ mqtt: { urls: ["mqtt://h"] }, uplinks: ["eth0"] });
  });

  it("that is wrong anywhere is not written at all", async () => {
    const file = await openConfigFile(path, {});
    const change = { "http.port": 8080, "outputs[0].url": "rtmp://h/app", "spot.payload.guid": "x" };
    expect(await file.change(change, fits)).toEqual([
      { path: "spot", text: expect.stringContaining("expected username and password, or payload.guid") },
      {
        path: "outputs[0].streamKey",
        text: "expected a stream key (streamKey or streamKeyFile), got nothing",
      },
    ]);
    expect(await file.change({ "http.port": 0 }, fits)).toMatchObject([{ path: "http.port" }]);
    const unfit = { path: "http", text: "No." };
    expect(await file.change({ "http.port": 8080 }, () => unfit)).toEqual([unfit]);
    expect([await text(), await modeOf()]).toEqual([minimal, 0o644]);
  });

  it("cannot send a secret that is set to somewhere else", async () => {
    const file = await openConfigFile(path, {});
    expect(await file.change({ "spot.host": "evil.example" }, fits)).toEqual([
      { path: "spot.host", text: "says where a secret is sent: give spot.password again with it" },
    ]);
    expect(await file.change({ "spot.host": "h", "spot.password": "secret-word" }, fits)).toEqual([]);
  });

  it("leaves the page where it was when it is the first one", async () => {
    const first = { source: "file", "file.path": "x.h264" };
    const ports = async (name: string, change: object, environment: Environment = {}): Promise<unknown> => {
      const file = await openConfigFile(join(folder, name), environment);
      expect(await file.change(change, fits)).toEqual([]);
      return (await file.load()).http?.port;
    };
    expect(await ports("plain.yaml", first)).toBe(8080);
    expect(await ports("own.yaml", { ...first, "http.port": 99 })).toBe(99);
    expect(await ports("none.yaml", { ...first, "http.port": null })).toBeUndefined();
    expect(await ports("environment.yaml", first, { SPOTLIVE_HTTP_PORT: "98" })).toBe(98);
  });

  it("is made in the service's own folder, unless there is a file where one was named", async () => {
    const [named, state] = [join(folder, "not-there.yaml"), join(folder, "state")];
    const environment: Environment = { STATE_DIRECTORY: state };
    await mkdir(state);
    const own = join(state, "spotlive.yaml");
    await writeFile(own, "audio: none\n");
    expect((await openConfigFile(named, environment)).path).toBe(own);
    expect((await openConfigFile(path, environment)).path).toBe(path);
    await rm(own);
    expect((await openConfigFile(named, environment)).path).toBe(named);
  });

  it("knows the environment as it was before its secrets were taken out", async () => {
    await writeFile(path, "audio: none\n", { mode: 0o644 });
    const environment: Environment = { SPOTLIVE_SPOT_USERNAME: "u", SPOTLIVE_SPOT_PASSWORD: "secret-word" };
    const file = await openConfigFile(path, environment);
    expect(await file.load()).toMatchObject({ source: { login: { username: "u" } }, audio: "none" });
    expect(environment).not.toHaveProperty("SPOTLIVE_SPOT_PASSWORD");
    expect(await file.change({ audio: "silent" }, fits)).toEqual([]);
    expect([await text(), await modeOf()]).toEqual(["audio: silent\n", 0o644]);
    expect(await file.change({ "spot.username": "v" }, fits)).toMatchObject([{ path: "spot.username" }]);
    const { groups } = await file.describe();
    expect(JSON.stringify(groups)).toContain('"from":"environment"');
    expect(JSON.stringify(groups)).not.toContain("secret-word");
  });

  it("comes after the one before, none is lost", async () => {
    const file = await openConfigFile(path, {});
    const ports = Array.from({ length: 10 }, (_, index) => ({
      "camera.presets": [{ name: `p${index}`, pan: 1 }],
    }));
    const others = [{ "hold.max": 1 }, { "http.port": 99 }, { "http.port": 0 }, { audio: "none" }];
    const results = await Promise.all([...ports, ...others].map((change) => file.change(change, fits)));
    expect(results.filter((problems) => problems.length > 0)).toHaveLength(1);
    const config = await loadConfig(path, {});
    expect(config).toMatchObject({
      hold: { max: 1 },
      http: { port: 99 },
      audio: "none",
      presets: { p9: { pan: 1 } },
    });
  });

  it("goes through a link, which stays", async () => {
    const link = join(folder, "link.yaml");
    await symlink("spotlive.yaml", link);
    const file = await openConfigFile(link, {});
    expect(await file.change({ audio: "none" }, fits)).toEqual([]);
    expect(await text()).toContain("audio: none");
    expect((await readdir(folder)).toSorted()).toEqual(["link.yaml", "spotlive.yaml"]);
  });

  it("makes the file where there is none yet", async () => {
    path = join(folder, "new", "spotlive.yaml");
    const file = await openConfigFile(path, {});
    expect(await file.describe()).toMatchObject({ path, writable: true });
    expect(await file.change({ "spot.username": "u", "spot.password": "secret-word" }, fits)).toEqual([]);
    expect([await text(), await modeOf()]).toEqual([
      "spot:\n  username: u\n  password: secret-word\nhttp:\n  port: 8080\n",
      0o600,
    ]);
  });

  it("is refused in plain words where the file is a folder, is no YAML, or uses aliases", async () => {
    const file = await openConfigFile(path, {});
    await writeFile(path, "spot: [secret-word");
    await expect(file.change({ audio: "none" }, fits)).rejects.toMatchObject({ code: "config-invalid" });
    await expect(file.describe()).rejects.not.toThrow("secret-word");
    await writeFile(path, "spot: { username: &u ann, password: *u }\n");
    expect(await file.change({ audio: "none" }, fits)).toMatchObject([
      { text: expect.stringContaining("aliases") },
    ]);
    await rm(path);
    await mkdir(path);
    await expect(file.change({ audio: "none" }, fits)).rejects.toMatchObject({ code: "config-invalid" });
  });

  it.skipIf(process.getuid?.() === 0)("is refused where the folder may not be written", async () => {
    await chmod(folder, 0o500);
    const file = await openConfigFile(path, {});
    expect(await file.describe()).toMatchObject({ writable: false });
    await expect(file.change({ audio: "none" }, fits)).rejects.toMatchObject({ code: "not-supported" });
    await chmod(folder, 0o700);
  });
});
