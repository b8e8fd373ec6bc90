import { readFile, stat } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { runChecks } from "../../../../src/verbs/doctor/check.ts";
import { findMount, parseMounts } from "../../../../src/verbs/doctor/mounts.ts";
import { systemChecks } from "../../../../src/verbs/doctor/system-checks.ts";
import { wifiChecks } from "../../../../src/verbs/doctor/wifi-checks.ts";
import { fakeContext, findingOf } from "../../../helpers/doctor.ts";
import { makeFakeRoot } from "../../../helpers/fake-root.ts";

type Files = Readonly<Record<string, string>>;

/** One finding on a machine with these files. */
async function systemFinding(files: Files, check: string, finding = check, programs?: Files) {
  await using root = await makeFakeRoot(files);
  const machine = { directory: root.directory, ...(programs && { programs, isHere: true }) };
  return await findingOf(systemChecks(fakeContext(machine)), check, finding);
}

const rmem = "/proc/sys/net/core/rmem_max";
const lowat = "/proc/sys/net/ipv4/tcp_notsent_lowat";

describe("the kernel's buffers", () => {
  it.each([
    ["4194304\n", "ok"],
    ["8388608", "ok"],
    ["212992\n", "warning"],
    ["much", "unknown"],
  ])("for receiving are judged: %j is %s", async (content, verdict) => {
    const finding = await systemFinding({ [rmem]: content }, "kernel-buffers", "receive-buffer");
    expect(finding.verdict).toBe(verdict);
  });

  it.each([
    ["32768\n", "ok"],
    ["4294967295\n", "warning"],
    ["", "unknown"],
  ])("for sending are judged: %j is %s", async (content, verdict) => {
    const finding = await systemFinding({ [lowat]: content }, "kernel-buffers", "send-buffer");
    expect(finding.verdict).toBe(verdict);
  });

  it("are set by --fix, now and for the next start", async () => {
    await using root = await makeFakeRoot({ [rmem]: "212992", [lowat]: "4294967295" });
    const checks = systemChecks(fakeContext({ directory: root.directory }));
    const findings = await runChecks(checks, { fix: true }, new AbortController().signal);
    const fixed = findings.filter(({ fixed }) => fixed !== undefined);
    expect(fixed.map(({ id, verdict }) => [id, verdict])).toEqual([
      ["receive-buffer", "ok"],
      ["send-buffer", "ok"],
    ]);
    expect(fixed[0]?.fixed).toBe(
      "Wrote /etc/sysctl.d/60-spotlive.conf and set net.core.rmem_max = 4194304, net.ipv4.tcp_notsent_lowat = 32768.",
    );
    const kept = `${root.directory}/etc/sysctl.d/60-spotlive.conf`;
    expect(await readFile(kept, "utf8")).toBe(await readFile("systemd/60-spotlive.conf", "utf8"));
    expect((await stat(kept)).mode & 0o777).toBe(0o644);
    expect(await readFile(root.directory + rmem, "utf8")).toBe("4194304");
  });
});

describe("the clock", () => {
  it("is right where systemd-timesyncd has set it", async () => {
    const finding = await systemFinding({ "/run/systemd/timesync/synchronized": "" }, "clock");
    expect(finding.verdict).toBe("ok");
  });

  it.each([
    ["yes\n", "ok"],
    ["no\n", "warning"],
    ["", "unknown"],
  ])("is asked of timedatectl where that service does not run: %j is %s", async (word, verdict) => {
    expect((await systemFinding({}, "clock", "clock", { timedatectl: word })).verdict).toBe(verdict);
  });

  it("is not known where nobody tells", async () => {
    expect((await systemFinding({}, "clock")).verdict).toBe("unknown");
  });
});

describe("the root file system", () => {
  it.each([
    ["/dev/mmcblk0p2 / ext4 rw,noatime 0 0", "warning"],
    ["/dev/mmcblk0p2 / ext4 ro,noatime 0 0", "ok"],
    ["overlay / overlay rw,lowerdir=/a 0 0", "ok"],
    ["/dev/nvme0n1p2 / ext4 rw 0 0", "ok"],
    ["", "unknown"],
  ])("%s is %s", async (mounts, verdict) => {
    const finding = await systemFinding({ "/proc/mounts": mounts }, "root-file-system");
    expect(finding.verdict).toBe(verdict);
  });

  it("must leave the state directory writable", async () => {
    const mounts = "overlay / overlay rw 0 0\n/dev/mmcblk0p3 /var/lib/spotlive ext4 ro 0 0\n";
    const finding = await systemFinding({ "/proc/mounts": mounts }, "root-file-system", "state-directory");
    expect(finding).toMatchObject({ verdict: "wrong", evidence: expect.stringContaining("read-only") });
  });

  it("is found by the longest folder, and the later of two", () => {
    const mounts = parseMounts(
      "a / x rw 0 0\nb /var y ro 0 0\nc /var z rw 0 0\nd /va\\040r w rw 0 0\nnonsense\n",
    );
    expect(mounts).toHaveLength(4);
    expect(findMount(mounts, "/var/lib")?.device).toBe("c");
    expect(findMount(mounts, "/variable")?.device).toBe("a");
    expect(mounts[3]?.folder).toBe("/va r");
  });
});

describe("the WiFi's power saving", () => {
  const wifi = { "/sys/class/net/wlan0/phy80211/name": "phy0\n" };

  async function wifiFinding(files: Files, programs?: Files) {
    await using root = await makeFakeRoot(files);
    const context = fakeContext({ directory: root.directory, ...(programs && { programs, isHere: true }) });
    return await findingOf(wifiChecks(context, "iw"), "wifi-power-saving");
  }

  it.each([
    ["Power save: on\n", "warning"],
    ["Power save: off\n", "ok"],
    ["nonsense", "unknown"],
  ])("is asked of iw: %j is %s", async (answer, verdict) => {
    const finding = await wifiFinding(wifi, { "iw dev wlan0 get power_save": answer });
    expect(finding.verdict).toBe(verdict);
  });

  it("is no matter without WiFi, and not known without iw", async () => {
    expect((await wifiFinding({}, {})).verdict).toBe("ok");
    expect(await wifiFinding(wifi, {})).toMatchObject({
      verdict: "unknown",
      remedy: expect.stringContaining("Install iw"),
    });
  });

  it.each([
    ["wifi.powersave = 2", "ok"],
    ["wifi.powersave=3", "warning"],
    ["#wifi.powersave=3", "unknown"],
  ])("of another machine is NetworkManager's setting: %s is %s", async (line, verdict) => {
    const file = { "/etc/NetworkManager/conf.d/wifi.conf": `[connection]\n${line}\n` };
    expect((await wifiFinding({ ...wifi, ...file })).verdict).toBe(verdict);
  });

  it("is turned off by --fix", async () => {
    await using root = await makeFakeRoot(wifi);
    let state = "on";
    const context = {
      ...fakeContext({ directory: root.directory, isHere: true }),
      run: (_: string, argv: readonly string[]) => {
        if (argv.includes("set")) state = argv.at(-1) ?? "";
        return Promise.resolve({ kind: "ended", output: Buffer.from(`Power save: ${state}\n`) } as const);
      },
    };
    const [finding] = await runChecks(wifiChecks(context, "iw"), { fix: true }, new AbortController().signal);
    expect(finding).toMatchObject({ verdict: "ok", fixed: expect.stringContaining("wlan0") });
  });
});
