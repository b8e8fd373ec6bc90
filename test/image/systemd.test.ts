import { mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Workshop } from "../../image/disk/tree.ts";
import { startSimulation } from "../../src/verbs/simulation-child.ts";
import type { SimulationChild } from "../../src/verbs/simulation-child.ts";
import { makeDeviceDisk, makeTree } from "../helpers/device-machine.ts";
import { softwareProfile } from "../helpers/gstreamer.ts";
import { judgeRecording } from "../helpers/judge.ts";
import { startMachine } from "../helpers/nspawn.ts";
import type { Machine } from "../helpers/nspawn.ts";

let workshop: Workshop;
beforeAll(async () => {
  workshop = await makeTree();
}, 900_000);
afterAll(async () => {
  await workshop[Symbol.asyncDispose]();
});

const units = ["spotlive.service", "spotlive-adopt.service", "spotlive-boot-report.path"] as const;
const film = "source: file\nfile: { path: /srv/film.mp4 }\n";
const toIngest = (key: string): string =>
  `outputs: [{ name: main, url: rtmp://127.0.0.1:1935/app, ${key} }]\nautostart: always\n`;
const bootFile = (device: string): string =>
  `${film}${toIngest("streamKey: key-canary-1")}device: ${device}\n`;

const shell = (script: string): readonly [string, ...string[]] => ["sh", "-c", script];
const hasStarted = async (machine: Machine): Promise<void> =>
  void (await machine.until(/^(running|degraded)$/m, shell("systemctl is-system-running || true")));
const isActive = (machine: Machine, unit: string): Promise<string> =>
  machine.run(...shell(`systemctl is-active ${unit} || true`)).then((text) => text.trim());
const property = (machine: Machine, name: string): Promise<string> =>
  machine.run("systemctl", "show", "--value", `--property=${name}`, "spotlive").then((text) => text.trim());
const report = (machine: Machine, what: RegExp): Promise<string> =>
  machine.until(what, ["cat", "/boot/firmware/boot-report.txt"]);

function startIngest(machine: Machine, recordTo?: string): Promise<SimulationChild> {
  const settings = { port: 1935, ...(recordTo !== undefined && { recordTo }) };
  return startSimulation("ingest", settings, () => {}, new AbortController().signal, machine.enter);
}

describe("the package on a Debian machine", () => {
  it("starts nothing by itself, and the service goes READY when its owner starts it, with a secret of systemd's", async () => {
    await using machine = await startMachine({
      tree: workshop.tree,
      files: {
        "etc/spotlive/spotlive.yaml":
          film + toIngest("streamKeyFile: /run/credentials/spotlive.service/stream-key"),
        "etc/spotlive/secrets/stream-key": "credential-key\n",
        "etc/systemd/system/spotlive.service.d/secrets.conf":
          "[Service]\nLoadCredential=stream-key:/etc/spotlive/secrets/stream-key\n",
      },
    });
    await hasStarted(machine);
    for (const unit of units) {
      expect(await machine.run(...shell(`systemctl is-enabled ${unit} || true`)), unit).toBe("disabled\n");
      expect(await isActive(machine, unit), unit).toBe("inactive");
    }
    await using ingest = await startIngest(machine);
    await machine.run("systemctl", "start", "spotlive"); // ends with READY
    expect(await isActive(machine, "spotlive")).toBe("active");
    expect(await machine.run("systemctl", "show", "--value", "--property=User", "spotlive")).toBe(
      "spotlive\n",
    );
    await machine.until(/"phase":"live"/, ["spotlive", "status", "--json"]);
    expect(ingest.pid).toBeGreaterThan(0);
    // Nobody else may read the secret.
    await expect(
      machine.run("runuser", "-u", "nobody", "--", "cat", "/run/credentials/spotlive.service/stream-key"),
    ).rejects.toThrow("Permission denied");
  });

  it("is set up on its page where nobody has configured it, and leaves /etc to its owner", async () => {
    await using machine = await startMachine({ tree: workshop.tree });
    const request = (path: string, method = "GET", body?: object): readonly [string, ...string[]] => {
      const options = { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
      const script = `fetch("http://127.0.0.1:8080/api/${path}", ${JSON.stringify(options)}).then((answer) => answer.text()).then(console.log)`;
      return ["/usr/lib/spotlive/bin/node", "-e", script];
    };
    const ask = async (...words: Parameters<typeof request>): Promise<unknown> =>
      JSON.parse(await machine.run(...request(...words))) as unknown;
    const own = "/var/lib/spotlive/spotlive.yaml";
    await hasStarted(machine);
    await machine.run("systemctl", "start", "spotlive"); // ends with READY
    await machine.until(/"setup":true/, request("session"));
    expect(await ask("config")).toMatchObject({ path: own, writable: true, restartable: true });
    const changes = { source: "file", "file.path": "/srv/film.mp4", autostart: "never" };
    expect(await ask("config", "PUT", { changes })).toMatchObject({ ok: true });
    expect(await machine.run("stat", "--format=%U %a", own)).toBe("spotlive 600\n");
    await ask("restart", "POST", {});
    await machine.until(/^1$/m, ["systemctl", "show", "--value", "--property=NRestarts", "spotlive"]);
    await machine.until(/"setup":false/, request("session"));
    expect(await ask("config", "PUT", { changes: { "hold.max": 7 } })).toMatchObject({ ok: true });

    const theirs = "source: file\nfile: { path: /srv/film.mp4 }\nhttp: { port: 8080 }\nautostart: never\n";
    await machine.run(...shell(`printf '%s' '${theirs}' >/etc/spotlive/spotlive.yaml`));
    await machine.run("systemctl", "restart", "spotlive");
    await machine.until(/"setup":false/, request("session"));
    const path = "/etc/spotlive/spotlive.yaml";
    const advice = expect.stringContaining(`(EACCES). On this machine: sudoedit ${path}; `);
    expect(await ask("config")).toMatchObject({ path, writable: false, advice });
  });

  it("says which secret is missing, where systemd cannot give it", async () => {
    await using machine = await startMachine({
      tree: workshop.tree,
      files: {
        "etc/spotlive/spotlive.yaml": `${film}outputs: []\n`,
        "etc/systemd/system/spotlive.service.d/secrets.conf":
          "[Service]\nRestart=no\nLoadCredential=stream-key:/etc/spotlive/secrets/stream-key\n",
      },
    });
    await hasStarted(machine);
    await expect(machine.run("systemctl", "start", "spotlive")).rejects.toThrow("control process exited");
    expect(await property(machine, "ExecMainStatus")).toBe("243");
    expect(await machine.run("journalctl", "-u", "spotlive", "-o", "cat")).toMatch(/credential/i);
  });

  it("runs Node, ffmpeg and GStreamer behind the unit's walls", async () => {
    await using machine = await startMachine({
      tree: workshop.tree,
      files: {
        "etc/spotlive/spotlive.yaml": film + toIngest("streamKey: plain"),
        "usr/lib/spotlive/hardware-profiles/gstreamer.yaml": softwareProfile,
        // The board is proven first. A machine that is busy here may find the chain too slow; it works all the same.
        "etc/systemd/system/spotlive.service.d/prove.conf": [
          "[Service]",
          "ExecStartPre=spotlive profile --json",
          `ExecStartPre=sed -i 's/"chain":"software"/"chain":"x264"/' %S/spotlive/board-proof.json`,
        ].join("\n"),
      },
    });
    await hasStarted(machine);
    const folder = await mkdtemp(join(workshop.folder, "ingest-"));
    try {
      const recordTo = join(folder, "film.flv");
      await using ingest = await startIngest(machine, recordTo);
      await machine.run("systemctl", "start", "spotlive");
      const journal = await machine.run("journalctl", "-u", "spotlive", "-o", "cat");
      expect(journal).toMatch(/"chain":(\{"name":"x264"|"x264","reason":"It is too slow)/);
      await machine.until(/"path":"transcode"/, ["spotlive", "status", "--json"]);
      const group = "/sys/fs/cgroup/system.slice/spotlive.service/cgroup.procs";
      const words = `while read -r pid; do tr '\\0' ' ' </proc/$pid/cmdline; grep ^Seccomp: /proc/$pid/status; done <${group}`;
      const processes = await machine.run(...shell(words));
      expect(processes).toMatch(/^ffmpeg .*Seccomp:\t2$/m);
      expect(processes).toMatch(/\/gstreamer-child\.ts Seccomp:\t2$/m);
      await machine.until(/"units":[1-9]\d\d/, ["spotlive", "status", "--json"]);
      await machine.run("systemctl", "stop", "spotlive");
      await ingest[Symbol.asyncDispose]();
      const { video, complaints } = await judgeRecording(recordTo);
      expect(video.length).toBeGreaterThan(60);
      expect(complaints).toEqual([]);
      // Where it could not be kept, all plugins would be loaded at every start.
      await machine.run("test", "-s", "/var/lib/spotlive/gstreamer-registry.bin");
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("is killed by the watchdog when it hangs, and starts anew", async () => {
    await using machine = await startMachine({
      tree: workshop.tree,
      files: {
        "etc/spotlive/spotlive.yaml": `${film}outputs: []\n`,
        "etc/systemd/system/spotlive.service.d/soon.conf": "[Service]\nWatchdogSec=4\n",
      },
    });
    await hasStarted(machine);
    await machine.run("systemctl", "start", "spotlive");
    const hung = await property(machine, "MainPID");
    // Longer than the watchdog's time: it is fed while nothing hangs.
    await machine.run("sleep", "6");
    expect(await property(machine, "MainPID")).toBe(hung);
    await machine.run("kill", "-STOP", hung);
    await machine.until(/^1$/m, ["systemctl", "show", "--value", "--property=NRestarts", "spotlive"]);
    await machine.until(/^active$/m, shell("systemctl is-active spotlive || true"));
    expect(await property(machine, "MainPID")).not.toBe(hung);
    const journal = await machine.run("journalctl", "-u", "spotlive", "-o", "cat");
    expect(journal).toContain("Watchdog timeout");
    expect(journal).toMatch(/code=(killed|dumped), status=6\/ABRT/);
  });
});

describe("a device", () => {
  it("takes its boot file over at power-on, goes live, and tells when what was reached", async () => {
    await using disk = await makeDeviceDisk();
    await disk.put("spotlive.yaml", bootFile("{ hostname: robot-7, timeZone: Europe/Berlin }"));
    {
      await using machine = await disk.start(workshop.tree);
      await using ingest = await startIngest(machine);
      expect(ingest.pid).toBeGreaterThan(0);
      const text = await report(machine, /Ingest main: running/);
      expect(text).toContain("Boot file: spotlive.yaml is in force.");
      await hasStarted(machine);
      const marks = [...(await machine.console()).matchAll(/spotlive: boot mark (\S+) (\d+\.\d) s/g)];
      expect(marks.map(([, name]) => name)).toEqual([
        ...["kernel", "adopted", "ready", "robot", "first-packet", "rtmp-accepted"],
      ]);
      const seconds = marks.map(([, , at]) => Number(at));
      expect(seconds).toEqual(seconds.toSorted((a, b) => a - b));
      expect(JSON.parse(await machine.run("cat", "/run/spotlive/boot.json"))).toMatchObject({
        version: 1,
        marks: { kernel: 0, adopted: seconds[1], "rtmp-accepted": seconds[5] },
      });
      expect(await machine.run("hostname")).toBe("robot-7\n");
      expect(await machine.run("date", "+%Z")).toMatch(/^CES?T$/m);
      expect(await machine.run("findmnt", "-no", "OPTIONS", "/boot/firmware")).toMatch(/^ro,/);
      expect(await machine.run("cat", "/run/systemd/network/10-spotlive-robot.network")).toContain(
        "UseRoutes=no",
      );
      // Neither its units nor those that others have wait for each other.
      expect(await machine.console()).not.toContain("ordering cycle");
      const secret = "/data/spotlive/current/secrets/outputs.main.streamKey";
      expect(await machine.run("runuser", "-u", "spotlive", "--", "cat", secret)).toBe("key-canary-1\n");
      await expect(machine.run("runuser", "-u", "nobody", "--", "cat", secret)).rejects.toThrow("Permission");
      await machine.powerOff();
    }
    expect(await disk.read("spotlive.yaml")).toContain("kept-on-device");
    expect(await disk.read("spotlive.yaml")).not.toContain("key-canary-1");
    expect(await disk.read("spotlive-problems.txt")).toBeUndefined();
    expect(await readFile(join(disk.data, "spotlive/state/audit.log"), "utf8")).toContain("power-on");

    // What was in force stays so, whatever stands in the file; what the service keeps has outlived the power.
    await disk.put("spotlive.yaml", bootFile("{ hostname: -7 }"));
    {
      await using machine = await disk.start(workshop.tree);
      await using ingest = await startIngest(machine);
      expect(ingest.pid).toBeGreaterThan(0);
      const text = await report(machine, /NOT TAKEN OVER[^]*Ingest main: running[^]*=== Power-on/);
      expect(text).toMatch(/Boot file: NOT TAKEN OVER\..*\r\nBoot file: .*device\.hostname/);
      expect(text.match(/=== Power-on/g)).toHaveLength(2);
      expect(await machine.run("hostname")).toBe("robot-7\n");
      expect(await isActive(machine, "spotlive-adopt")).toBe("failed");
      await machine.powerOff();
    }
    expect(await disk.read("spotlive-problems.txt")).toContain("device.hostname");
    const audit = await readFile(join(disk.data, "spotlive/state/audit.log"), "utf8");
    expect(audit.match(/power-on/g)?.length).toBeGreaterThan(1);
  });

  it("comes up without a boot file, rests, and says what to do", async () => {
    await using disk = await makeDeviceDisk();
    {
      await using machine = await disk.start(workshop.tree);
      await hasStarted(machine);
      expect(await isActive(machine, "spotlive")).toBe("inactive");
      expect(await property(machine, "NRestarts")).toBe("0");
      expect(await isActive(machine, "multi-user.target")).toBe("active");
      await machine.powerOff();
    }
    expect(await disk.read("spotlive-problems.txt")).toContain("There is no spotlive.yaml");
    expect(await disk.read("boot-report.txt")).toContain("CANNOT START without a boot file");
  });

  it("says in the boot report how the service ended that does not come up at all", async () => {
    await using disk = await makeDeviceDisk();
    await disk.put("spotlive.yaml", bootFile("{ hostname: robot-7 }"));
    await using machine = await disk.start(workshop.tree, {
      "etc/systemd/system/spotlive.service.d/50-secret.conf": "[Service]\nLoadCredential=missing:/etc/none\n",
    });
    const text = await report(machine, /^spotlive ended: /m);
    expect(text).toMatch(/^spotlive ended: .*243.* s after power-on\./m);
    expect(text).toContain("Boot file: spotlive.yaml is in force.");
    expect(text).toContain("spotlive: not started yet");
  });

  it("takes no secret away into memory when its data partition is missing", async () => {
    await using disk = await makeDeviceDisk();
    await disk.put("spotlive.yaml", bootFile("{ hostname: robot-7 }"));
    {
      await using machine = await disk.start(workshop.tree, {
        // Something else is mounted over it.
        "etc/systemd/system/data-spotlive.mount":
          "[Unit]\nBefore=spotlive-adopt.service\nRequiredBy=\n[Mount]\nWhat=tmpfs\nWhere=/data/spotlive\nType=tmpfs\n",
        "etc/systemd/system/spotlive-adopt.service.d/test.conf":
          "[Unit]\nRequires=data-spotlive.mount\nAfter=data-spotlive.mount\n",
      });
      await hasStarted(machine);
      expect(await isActive(machine, "spotlive")).toBe("inactive");
      await machine.powerOff();
    }
    expect(await disk.read("spotlive.yaml")).toContain("key-canary-1");
    expect(await disk.read("boot-report.txt")).toContain("got a folder in memory");
  });
});
