import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { cp, mkdtemp, readFile, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { architectures } from "../../image/deb/node.ts";
import { packDeb } from "../../image/deb/pack.ts";
import { checkout } from "../../image/deb/tools.ts";
import { hasSent, spotConfig, startAppliance, startRobotProcess } from "../helpers/appliance.ts";
import { boardFixture } from "../helpers/boards.ts";
import { judgeRecording } from "../helpers/judge.ts";
import { startMosquitto } from "../helpers/mosquitto.ts";
import { freePort, startNginxRtmp } from "../helpers/nginx.ts";
import { hiding } from "../helpers/sandbox.ts";

const run = promisify(execFile);
const hide = await hiding(checkout);

let folder: string;
let deb: string;
let root: string;
let hashes: readonly string[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "deb-"));
  const { stdout } = await run("dpkg", ["--print-architecture"]);
  const architecture = architectures.find((name) => name === stdout.trim()) ?? "amd64";
  // Packed twice, in folders of other names; what is compressed is the same then, and only takes longer.
  const [first, second] = [join(folder, "first"), join(folder, "second")];
  const options = { architecture, compression: "none" } as const;
  deb = await packDeb({ ...options, folder: first });
  hashes = [await sha256(deb), await sha256(await packDeb({ ...options, folder: second }))];
  await rm(second, { recursive: true });
  root = join(folder, "root");
  await run("dpkg-deb", ["-x", deb, root]);
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function sha256(path: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
}

/** Runs the unpacked program where the repository is out of its sight. */
async function spotlive(...argv: readonly string[]): Promise<string> {
  const [program, ...rest] = hide([join(root, "usr/bin/spotlive"), ...argv]);
  const environment = { PATH: "/usr/bin:/bin:/usr/sbin:/sbin", HOME: folder };
  return (await run(program, rest, { cwd: folder, env: environment })).stdout;
}

const field = async (name: string): Promise<string> =>
  (await run("dpkg-deb", ["-f", deb, name])).stdout.trim();

describe("the Debian package", () => {
  it("has the same bytes when it is packed again", () => {
    expect(hashes[1]).toBe(hashes[0]);
  });

  it("belongs to root, has one time everywhere, and asks for what the program needs", async () => {
    const { stdout } = await run("dpkg-deb", ["-c", deb]);
    const lines = stdout.trim().split("\n");
    expect(lines.filter((line) => !line.includes(" root/root "))).toEqual([]);
    const times = new Set(lines.map((line) => /\d{4}-\d\d-\d\d \d\d:\d\d/.exec(line)?.[0]));
    expect(times.size).toBe(1);
    expect(await field("Depends")).toContain("ffmpeg");
    expect(Number(await field("Installed-Size"))).toBeGreaterThan(100_000);
  });

  it("knows its files, and leaves those in /etc to their owner", async () => {
    const control = join(folder, "control");
    await run("dpkg-deb", ["-e", deb, control]);
    await run("md5sum", ["--check", "--quiet", join(control, "md5sums")], { cwd: root });
    expect(await readFile(join(control, "conffiles"), "utf8")).toBe("/etc/spotlive/spotlive.example.yaml\n");
    for (const script of ["postinst", "prerm", "postrm"]) await run("sh", ["-n", join(control, script)]);
    const postinst = await readFile(join(control, "postinst"), "utf8");
    expect(postinst.replaceAll(/^ *#.*$/gm, "")).not.toMatch(/systemctl (enable|start|restart)/);
  });

  it("says on what terms each of its parts comes", async () => {
    const text = await readFile(join(root, "usr/share/doc/spotlive/copyright"), "utf8");
    for (const name of ["werift", "fluent-ffmpeg", "@grpc/grpc-js", "Node.js 24"])
      expect(text).toContain(name);
    expect(text).not.toMatch(/\b(vitest|esbuild|GPL-[23]\.0-only)\b/);
  });

  it("has a unit that names programs which are there", async () => {
    const unit = await readFile(join(root, "usr/lib/systemd/system/spotlive.service"), "utf8");
    const command = /^ExecStart=(.*)$/m.exec(unit)?.[1]?.split(" ") ?? [];
    const paths = command.filter((word) => word.startsWith("/usr/"));
    expect(paths).toHaveLength(2);
    for (const path of paths) await readFile(join(root, path));
  });

  it("brings what a device needs, its programs ready to be run", async () => {
    const system = join(root, "usr/lib/systemd/system");
    for (const unit of [
      "spotlive-adopt.service",
      "spotlive-boot-report.path",
      "spotlive-boot-report.service",
    ])
      await readFile(join(system, unit));
    const device = join(root, "usr/lib/spotlive/systemd/device");
    expect((await stat(join(device, "spotlive.service.d/10-device.conf"))).mode & 0o777).toBe(0o644);
    for (const name of ["keep-boot-report", "pace-boot-report", "close-boot-partition", "note-end"])
      expect((await stat(join(device, name))).mode & 0o777, name).toBe(0o755);
  });

  it("carries no path of the machine that it was packed on", async () => {
    const home = join(root, "usr/lib/spotlive");
    const names = (await readdir(home, { recursive: true })).filter((name) =>
      /\.(mjs|js|ts|json)$/.test(name),
    );
    expect(names.length).toBeGreaterThan(10);
    for (const name of names) expect(await readFile(join(home, name), "utf8"), name).not.toContain(checkout);
  });
});

describe("the unpacked program", () => {
  it("tells its version, which is the package's", async () => {
    expect(await spotlive("--version")).toBe(`spotlive ${await field("Version")}\n`);
  });

  it("knows the boards", async () => {
    const board = join(folder, "board");
    await cp(boardFixture("raspberry-pi-4"), board, { recursive: true });
    const answer = await spotlive("profile", "--root", board, "--state", folder, "--json");
    expect(JSON.parse(answer)).toMatchObject({ profile: { name: "raspberry-pi-4" } });
  });

  it("takes the example as a configuration, but for the login that only its owner knows", async () => {
    const example = join(root, "etc/spotlive/spotlive.example.yaml");
    await expect(spotlive("check-config", "--config", example)).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/has a problem:\n\S+:\d+: spot: expected username and password/),
    });
  });

  it("finds every name in the files of the bundle that it loads later", async () => {
    const home = join(root, "usr/lib/spotlive");
    const chunks = join(home, "src/chunks/");
    const lookUps = /const \{ ([\w, ]+) \} = await import\("\.\/([^"]+)"\)/g;
    const wanted: (readonly [file: string, names: readonly string[]])[] = [];
    for (const file of await readdir(chunks)) {
      const text = await readFile(join(chunks, file), "utf8");
      for (const [, names = "", from = ""] of text.matchAll(lookUps))
        wanted.push([chunks + from, names.split(", ")]);
    }
    expect(wanted.length).toBeGreaterThan(10);
    const script = `for (const [file, names] of JSON.parse(process.argv[1])) {
      const loaded = await import(file);
      for (const name of names) if (loaded[name] === undefined) console.log(name, file);
    }`;
    const argv = ["--input-type=module", "--eval", script, JSON.stringify(wanted)];
    const [program, ...rest] = hide([join(home, "bin/node"), ...argv]);
    expect(await run(program, rest, { cwd: folder })).toEqual({ stdout: "", stderr: "" });
  });

  it("keeps a robot's camera live, and says so over HTTP and MQTT", async () => {
    await using broker = await startMosquitto();
    const port = await freePort();
    await using nginx = await startNginxRtmp();
    await using robot = await startRobotProcess({
      width: 320,
      height: 180,
      bitrate: 500_000,
      idrInterval: 15,
    });
    const home = join(root, "usr/lib/spotlive");
    const config = {
      ...spotConfig(robot),
      outputs: [{ name: "main", url: nginx.url, streamKey: "packed" }],
      http: { port },
      mqtt: { url: broker.url },
    };
    await using appliance = await startAppliance(config, {
      enter: ([, ...argv]) => [
        ...hide([join(home, "bin/node")]),
        ...argv.map((word) => (word.endsWith("src/spotlive.mjs") ? join(home, "src/spotlive.mjs") : word)),
      ],
    });
    await appliance.until("it is live", hasSent(90));
    const answer = await fetch(`http://127.0.0.1:${port}/api/status`);
    expect(await answer.json()).toMatchObject({ phase: "live" });
    expect(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).toContain("# TYPE spotlive_");
    await expect.poll(broker.log, { timeout: 10_000 }).toMatch(/Received PUBLISH from .*'spotlive\//);
    expect(await appliance.terminate()).toMatchObject({ code: 0 });
    expect((await judgeRecording(await nginx.recording("packed"))).complaints).toEqual([]);
  });

  it("finds the program of the GStreamer runner, which misses its add-on", async () => {
    const home = join(root, "usr/lib/spotlive");
    const child = join(home, "src/transcode/gstreamer-child.ts");
    const [program, ...argv] = hide([join(home, "bin/node"), child]);
    const running = spawn(program, argv, { cwd: folder, stdio: ["ignore", "ignore", "inherit", "ipc"] });
    const ended = once(running, "exit");
    const [message] = await once(running, "message");
    expect(message).toMatchObject({ type: "missing" });
    await ended;
  });
});
