import { execFile } from "node:child_process";
import { once } from "node:events";
import { chmod, readFile, stat } from "node:fs/promises";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { createServer } from "node:tls";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeVethPair, openUplink, whyNoUplink } from "../../src/simulator/uplink.ts";
import { openNamespace, runInside, systemProgram } from "../../src/simulator/namespace.ts";
import type { CommandLine, Namespace } from "../../src/simulator/namespace.ts";
import { key, openPractice } from "../helpers/doctor-run.ts";
import type { Practice } from "../helpers/doctor-run.ts";
import { makeFakeRoot } from "../helpers/fake-root.ts";
import { freePort, startNginxRtmp } from "../helpers/nginx.ts";
import { startWhipServer } from "../helpers/whip-server.ts";

const run = promisify(execFile);
const never = new AbortController().signal;

const noUplink = await whyNoUplink(never);
if (noUplink !== undefined) console.warn(`The doctor is not tested with routes of its own. ${noUplink}`);

let practice: Practice;
let directory: string;
beforeAll(async () => {
  practice = await openPractice();
  ({ directory } = practice);
});
afterAll(() => practice[Symbol.asyncDispose]());

const examine: Practice["examine"] = (examination) => practice.examine(examination);

describe("spotlive doctor at an ingest", () => {
  it("shakes hands with a real server, publishes nothing and never sends the key", async () => {
    await using nginx = await startNginxRtmp();
    const examined = await examine({ output: { url: nginx.url } });
    const { host, port } = { host: "127.0.0.1", port: nginx.port };
    expect(examined.finding("ingest:main")).toMatchObject({ verdict: "ok" });
    expect(examined.finding("ingest:main").evidence).toMatch(
      new RegExp(`^${host}:${port} is open without TLS after \\d+ ms .*RTMP's handshake took \\d+ ms\\.$`),
    );
    expect(nginx.publishes).toEqual([]);
    expect(await nginx.stat()).not.toContain(key);
    expect(examined.output).not.toContain(key);
  });

  it("connects to a WHIP server, and publishes and asks nothing", async () => {
    await using server = await startWhipServer();
    const examined = await examine({ output: { url: server.url } });
    expect(examined.finding("ingest:main")).toMatchObject({ verdict: "ok" });
    expect(examined.finding("ingest:main").evidence).toMatch(/^127\.0\.0\.1:\d+ is open without TLS/);
    expect(server.requests).toEqual([]);
  });

  it("ends with 1 where nobody listens, and says who is wrong", async () => {
    const examined = await examine({ output: { url: `rtmp://127.0.0.1:${await freePort()}/app` } });
    expect(examined.finding("ingest:main")).toMatchObject({
      verdict: "wrong",
      evidence: expect.stringContaining("ECONNREFUSED"),
    });
    expect(examined).toMatchObject({ ok: false, code: 1 });
    expect(examined.findings[0]?.verdict).toBe("wrong");
    expect(examined.output).toContain("spotlive: Something is wrong: ingest:main.");
  });

  it("does not wait for a server that takes the connection and says nothing", async () => {
    const silent = createTcpServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const examined = await examine({ output: { url: `rtmp://127.0.0.1:${port}/app` } });
    silent.close();
    expect(examined.finding("ingest:main")).toMatchObject({
      verdict: "wrong",
      evidence: "It did not answer with RTMP's handshake within 8 s.",
    });
    expect(examined.finding("ffmpeg").verdict).toBe("ok");
  });

  it("finds an expired certificate, on the wire and in the configuration", async () => {
    const [keyFile, request, certificate] = ["tls.key", "tls.csr", "tls.pem"].map((name) =>
      join(directory, name),
    );
    const subject = ["-subj", "/CN=old", "-addext", "subjectAltName=IP:127.0.0.1"];
    const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    await run("openssl", ["req", ...ec, "-keyout", `${keyFile}`, "-out", `${request}`, ...subject]);
    const sign = ["-req", "-in", `${request}`, "-signkey", `${keyFile}`, "-copy_extensions", "copy"];
    await run("openssl", ["x509", ...sign, "-days", "-1", "-out", `${certificate}`]);
    const identity = { key: await readFile(`${keyFile}`), cert: await readFile(`${certificate}`) };
    const server = createServer(identity).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const output = { url: `rtmps://127.0.0.1:${port}/app`, caFile: certificate };
    const examined = await examine({ output });
    server.close();
    expect(examined.finding("ingest:main")).toMatchObject({ verdict: "wrong" });
    expect(examined.finding("certificate:main")).toMatchObject({
      verdict: "wrong",
      meaning: "The certificate has expired.",
    });
    expect(examined.finding("certificate:main.caFile")).toMatchObject({ verdict: "wrong" });
  });
});

describe("spotlive doctor on this machine", () => {
  it("misses ffmpeg where it is not on the PATH", async () => {
    const examined = await examine({ env: { PATH: dirname(process.execPath) } });
    expect(examined.finding("ffmpeg")).toMatchObject({
      verdict: "wrong",
      meaning: "The source (file) is read with ffmpeg.",
      remedy: expect.stringContaining("apt-get install ffmpeg"),
    });
  });

  it("fixes what it safely can, and says so", async () => {
    const rmem = "/proc/sys/net/core/rmem_max";
    await using root = await makeFakeRoot({ [rmem]: "212992\n" });
    const examined = await examine({ args: ["--fix", "--root", root.directory] });
    expect(examined.finding("receive-buffer")).toMatchObject({
      verdict: "ok",
      fixed: "Wrote /etc/sysctl.d/60-spotlive.conf and set net.core.rmem_max = 4194304.",
    });
  });

  it("says which file with a secret others can read, and leaves it as it is when it is not asked", async () => {
    await chmod(join(directory, "key"), 0o644);
    const examined = await examine({ output: { url: "rtmp://127.0.0.1:1/app" } });
    expect(examined.finding("secret-files").verdict).toBe("wrong");
    expect(examined.output).not.toContain(key);
    expect((await stat(join(directory, "key"))).mode & 0o777).toBe(0o644);
    await chmod(join(directory, "key"), 0o600);
  });

  it("says what is wrong with the configuration, and looks at everything else", async () => {
    const examined = await examine({ source: { logLevel: "loud" } });
    expect(examined.finding("configuration")).toMatchObject({ verdict: "wrong" });
    expect(examined.finding("configuration").evidence).toContain("logLevel");
    expect(examined.finding("board").verdict).toBe("ok");
  });
});

describe.skipIf(noUplink !== undefined)("spotlive doctor in a network of its own", () => {
  /** The robot on a port of its own, and the internet behind another. */
  async function openNetwork(near: Namespace, signal: AbortSignal): Promise<AsyncDisposable & Namespace> {
    const robot = await openNamespace(signal, near);
    const ends = [
      { namespace: near, device: "robot0" },
      { namespace: robot, device: "eth0" },
    ] as const;
    await makeVethPair(ends, signal);
    await ip(near, "address add 192.168.50.5/24 dev robot0", "link set dev robot0 up");
    await ip(robot, "address add 192.168.50.3/24 dev eth0", "link set dev eth0 up");
    return robot;
  }

  const ip = (namespace: Namespace, ...lines: readonly string[]): Promise<string> =>
    runInside(
      namespace,
      [systemProgram("ip", "iproute2"), "-batch", "-"],
      { purpose: "setting up the robot's port", input: `${lines.join("\n")}\n` },
      never,
    );

  const spot = {
    source: "spot",
    spot: {
      ...{ host: "192.168.50.3", username: "u", password: "p" },
      ...{ tls: { insecure: true }, cameraTls: { insecure: true } },
    },
  };

  it("finds a default route over the robot's port, and is content without it", async () => {
    const life = new AbortController();
    await using uplink = await openUplink({}, life.signal);
    const near: Namespace = {
      pid: Number((await nearPid(uplink.near)).trim()),
      enter: uplink.near,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
    await using _robot = await openNetwork(near, life.signal);
    await using nginx = await startNginxRtmp({ enter: uplink.far, listen: uplink.farAddress });
    const examination = { source: spot, output: { url: nginx.url }, enter: uplink.near };
    const well = await examine(examination);
    expect(well.finding("internet-route")).toMatchObject({
      verdict: "ok",
      evidence: "The way to 203.0.113.1 is uplink, by 198.51.100.254.",
    });
    expect(well.finding("ingest:main")).toMatchObject({ verdict: "ok" });
    // Nothing listens there, but the port is known.
    expect(well.finding("robot")).toMatchObject({
      verdict: "wrong",
      evidence: "192.168.50.3:443 does not answer (ECONNREFUSED); the way to it is robot0, directly.",
    });
    expect(well.finding("send-buffer")).toMatchObject({ verdict: "warning" });

    await ip(near, "route replace default via 198.51.100.254 dev uplink metric 600");
    await ip(near, "route del default via 198.51.100.254 dev uplink metric 0");
    await ip(near, "route add default via 192.168.50.3 dev robot0 metric 100");
    await uplink.setSysctl("net.ipv4.tcp_notsent_lowat", 32_768);
    const ill = await examine(examination);
    expect(ill.finding("internet-route")).toMatchObject({
      verdict: "wrong",
      evidence:
        "The way to 203.0.113.1 is robot0, by 192.168.50.3 (default routes: robot0 metric 100, uplink metric 600). The robot (192.168.50.3) is on robot0 too.",
    });
    expect(ill.finding("ingest:main").verdict).not.toBe("ok");
    expect(ill.finding("send-buffer")).toMatchObject({ verdict: "ok" });
    life.abort();
  });

  /** Of a process in the namespace: the veth device is given to it. */
  async function nearPid(enter: (command: CommandLine) => CommandLine): Promise<string> {
    const command = enter(["true"]);
    return command[command.indexOf("--target") + 1] ?? "";
  }
});
