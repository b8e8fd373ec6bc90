import { mkdir, readFile, rename, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readBootFile } from "../../../src/config/boot-file.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { secretsOf } from "../../../src/config/build.ts";
import { realDisk } from "../../../src/device/disk.ts";
import type { Disk } from "../../../src/device/disk.ts";
import { cutAfter, makeDevice } from "./helpers.ts";

const secrets = {
  robot: "robot-canary-1",
  key: "live_canary_2",
  wifi: "wifi canary 3",
  person: "person-canary-4",
};
const bootFile = `# My robot
spot:
  username: stream   # the robot's user
  password: ${secrets.robot}
  tls: { caFile: robot.pem }
outputs:
  - name: twitch
    streamKey: "${secrets.key}"
# - name: old
#   streamKey: ${secrets.key}
device:
  hostname: robot-7
  country: DE
  timeZone: Europe/Berlin
  wifi:
    - { name: Café/7, password: '${secrets.wifi}', hidden: true }
    - name: campus
      security: peap
      identity: me@example.org
      password: ${secrets.person}
      caFile: campus.pem
  sshKeys: ["ssh-ed25519 ${Buffer.from(`\0\0\0\x0bssh-ed25519\0\0\0\x20${"k".repeat(32)}`, "latin1").toString("base64")} me"]
`;
const certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

async function readyDevice(text = bootFile) {
  const device = await makeDevice();
  await device.put("spotlive.yaml", text);
  await device.put("robot.pem", certificate);
  await device.put("campus.pem", certificate);
  return device;
}

const occurrences = (files: Record<string, string>, text: string): number =>
  Object.values(files).filter((content) => content.includes(text)).length;

describe("taking a boot file over", () => {
  it("puts the configuration in force, with its secrets in files of their own", async () => {
    await using device = await readyDevice();
    expect(await device.adopt(realDisk)).toMatchObject({ outcome: "adopted", isInForce: true, warnings: [] });
    const config = await loadConfig(join(device.data, "current", "spotlive.yaml"), {});
    expect(config).toMatchObject({
      source: {
        login: { username: "stream" },
        tls: { kind: "ca", file: join(device.data, "current/files/robot.pem") },
      },
      outputs: [{ name: "twitch", kind: "twitch" }],
    });
    expect(secretsOf(config).map((secret) => secret.reveal())).toEqual([secrets.robot, secrets.key]);
    const { mode } = await stat(join(device.data, "current/secrets/outputs.twitch.streamKey"));
    expect(mode & 0o777).toBe(0o600);
    expect((await stat(join(device.data, "current/secrets"))).mode & 0o777).toBe(0o700);
  });

  it("makes the files that the system needs", async () => {
    await using device = await readyDevice();
    await device.adopt();
    expect(await device.inForce("system/hostname")).toBe("robot-7\n");
    expect(await device.inForce("system/timezone")).toBe("Europe/Berlin\n");
    expect(await device.inForce("system/authorized_keys")).toMatch(/^ssh-ed25519 \S+ me\n$/);
    expect(await device.inForce("system/wpa_supplicant/wpa_supplicant-wlan0.conf")).toContain(
      `ca_cert="${join(device.data, "current/files/campus.pem")}"`,
    );
  });

  it("blanks the secrets on the boot partition, in comments too, and leaves the rest as it was", async () => {
    await using device = await readyDevice();
    await device.adopt();
    const text = await readFile(join(device.boot, "spotlive.yaml"), "utf8");
    for (const secret of Object.values(secrets)) expect(text).not.toContain(secret);
    const without = text.split("\n").filter((line) => !line.includes("Taken over"));
    const expected = Object.values(secrets).reduce(
      (all, secret) =>
        all
          .replaceAll(`"${secret}"`, "kept-on-device")
          .replaceAll(`'${secret}'`, "kept-on-device")
          .replaceAll(secret, "kept-on-device"),
      bootFile,
    );
    expect(without.join("\n")).toBe(expected);
    expect(text).toContain("  # Taken over and kept on the device.");
  });

  it("changes nothing the second time", async () => {
    await using device = await readyDevice();
    await device.adopt();
    const before = [await device.files("boot"), await device.files("data")];
    expect(await device.adopt(cutAfter(0))).toMatchObject({ outcome: "unchanged", warnings: [] });
    expect([await device.files("boot"), await device.files("data")]).toEqual(before);
  });

  it("takes another secret in the place of one, and forgets one that is no longer asked for", async () => {
    await using device = await readyDevice();
    await device.adopt();
    const text = await readFile(join(device.boot, "spotlive.yaml"), "utf8");
    const [head = "", tail = ""] = text.split("\n  - name: campus");
    expect(tail).toBe("");
    await device.put("spotlive.yaml", head.replace("password: kept-on-device", "password: another"));
    await device.adopt();
    expect(await device.inForce("secrets/spot.password")).toBe("another\n");
    expect(await device.inForce("secrets/outputs.twitch.streamKey")).toBe(`${secrets.key}\n`);
    expect(occurrences(await device.files("data"), secrets.robot)).toBe(0);
  });

  it("moves private keys and files with secrets, and keeps them without being given them again", async () => {
    const text = "spot: { username: me, passwordFile: robot.secret }\noutputs: []\n";
    await using device = await readyDevice(text);
    await device.put("robot.secret", "from-a-file\n");
    await device.adopt();
    expect(Object.keys(await device.files("boot"))).not.toContain("robot.secret");
    expect(await device.adopt()).toMatchObject({ outcome: "unchanged" });
    expect(await device.inForce("files/robot.secret")).toBe("from-a-file\n");
  });
});

describe("a boot file that is wrong", () => {
  it("leaves what was in force, and says every mistake on the boot partition until it is right", async () => {
    await using device = await readyDevice();
    await device.adopt();
    const before = await device.files("data");
    await device.put(
      "spotlive.yaml",
      bootFile.replace("country: DE", "country: Germany").replace("hostname", "hostnam"),
    );
    const adoption = await device.adopt();
    expect(adoption).toMatchObject({ outcome: "refused", isInForce: true });
    expect(adoption.text).toContain(
      "spotlive.yaml:12: device.hostnam: there is no such key. Did you mean hostname?",
    );
    expect(adoption.text).toContain(
      'spotlive.yaml:13: device.country: expected two capital letters, like DE or US, got "Germany"',
    );
    expect(adoption.text).toContain("What was in force before stays so.");
    expect(await device.files("data")).toEqual(before);
    const told = (await device.files("boot"))["spotlive-problems.txt"] ?? "";
    expect(told).toContain('got "Germany"\r\n');
    for (const secret of Object.values(secrets)) expect(told).not.toContain(secret);
    await device.put("spotlive.yaml", bootFile);
    await device.adopt();
    expect(Object.keys(await device.files("boot"))).toEqual(["campus.pem", "robot.pem", "spotlive.yaml"]);
  });

  it("is told when nothing is in force, and when there is no file at all", async () => {
    await using device = await makeDevice();
    expect(await device.adopt()).toMatchObject({ outcome: "absent", isInForce: false });
    await device.put("spotlive.yaml", "spot: { username: me, password: kept-on-device }");
    const adoption = await device.adopt();
    expect(adoption).toMatchObject({ outcome: "refused", isInForce: false });
    expect(adoption.text).toContain("this device keeps none for it");
  });

  it.each([
    ["a file of zeros", "\0".repeat(4096)],
    ["a bomb", `a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n${bootFile}`],
    [
      "an alias for a secret",
      bootFile.replace(secrets.person, "&p twice-used").replace(`"${secrets.key}"`, "*p"),
    ],
    ["a huge one", `${bootFile}#${"x".repeat(200_000)}`],
    ["deep nesting", "[".repeat(20_000)],
    ["bytes of an old code page", Buffer.from(bootFile, "latin1")],
    ["a line end in a network's name", bootFile.replace("Café/7", '"a\\nb"')],
    ["a file elsewhere", bootFile.replace("robot.pem", "../robot.pem")],
    [
      "a private file that the device may start from",
      bootFile.replace(`password: ${secrets.robot}`, "passwordFile: cmdline.txt"),
    ],
    ["ssh options", bootFile.replace('["ssh', '["command=x ssh')],
    ["the same network twice", bootFile.replace("campus\n", "Café/7\n")],
    ["enterprise without an authority", bootFile.replace("      caFile: campus.pem\n", "")],
    ["two times the same key", `${bootFile}outputs: []\n`],
  ])("is refused: %s", async (_, content) => {
    await using device = await makeDevice();
    await device.put("robot.pem", certificate);
    await device.put("campus.pem", certificate);
    await device.put("cmdline.txt", "root=/dev/mmcblk0p2");
    await device.put("spotlive.yaml", content);
    expect(await device.adopt()).toMatchObject({ outcome: "refused" });
    expect(Object.keys(await device.files("data"))).toEqual([]);
    expect(Object.keys(await device.files("boot"))).toContain("cmdline.txt");
  });

  it("is refused when it, or a file beside it, is a link or a folder", async () => {
    await using device = await readyDevice("spot: { username: me, password: x, tls: { caFile: ca.pem } }");
    await symlink("/etc/hostname", join(device.boot, "ca.pem"));
    expect(await device.adopt()).toMatchObject({ outcome: "refused" });
    await using other = await makeDevice();
    await symlink("/etc/hostname", join(other.boot, "spotlive.yaml"));
    expect(await other.adopt()).toMatchObject({ outcome: "refused" });
    await using third = await makeDevice();
    await mkdir(join(third.boot, "spotlive.yaml"));
    expect(await third.adopt()).toMatchObject({ outcome: "refused" });
  });
});

describe("any text at all", () => {
  const context = {
    ...{ file: "s.yaml", home: "/data/current", boot: "/boot" },
    ...{ secret: () => undefined, locate: () => Promise.resolve(undefined) },
  };
  it("is read or refused with a fault", async () => {
    const word = fc.oneof(
      fc.constantFrom(
        "spot:",
        "device:",
        "wifi:",
        "- ",
        "name: ",
        "password: ",
        "\n",
        "  ",
        "{",
        "}",
        "[",
        "*a",
        "&a ",
        "null",
        "- streamKey: ",
      ),
      fc.string(),
    );
    const text = fc.array(word, { maxLength: 30 }).map((words) => words.join(""));
    await fc.assert(
      fc.asyncProperty(text, async (text) => {
        const error: unknown = await readBootFile(text, context).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (error !== undefined) expect(error).toMatchObject({ code: "config-invalid" });
      }),
      { numRuns: 50 },
    );
  });
});

describe("what editors make of a boot file", () => {
  const windows = bootFile.replaceAll("\n", "\r\n");
  it.each([
    ["line ends of Windows", "spotlive.yaml", Buffer.from(windows)],
    ["a byte order mark", "spotlive.yaml", Buffer.from(`\ufeff${windows}`)],
    ["UTF-16", "spotlive.yaml", Buffer.from(`\ufeff${windows}`, "utf16le")],
    ["a second ending", "spotlive.yaml.txt", Buffer.from(windows)],
  ])("is read, and kept where it is rewritten: %s", async (_, name, content) => {
    await using device = await makeDevice();
    await device.put("robot.pem", certificate);
    await device.put("campus.pem", certificate);
    await device.put(name, content);
    expect(await device.adopt()).toMatchObject({ outcome: "adopted", warnings: [] });
    const bytes = await readFile(join(device.boot, name));
    expect(bytes.subarray(0, 3)).toEqual(content.subarray(0, 3));
    const text = bytes.toString(name === "spotlive.yaml" && content[0] === 0xff ? "utf16le" : "utf8");
    expect(text).toContain("kept-on-device\r\n");
    expect(text.replaceAll("\r\n", "")).not.toContain("\n");
    expect(await device.adopt()).toMatchObject({ outcome: "unchanged" });
  });

  it("is found where a power cut left only the rewritten one", async () => {
    await using device = await readyDevice();
    await device.adopt();
    const before = await device.files("boot");
    await rename(join(device.boot, "spotlive.yaml"), join(device.boot, "spotlive.yaml.new"));
    expect(await device.adopt()).toMatchObject({ outcome: "unchanged", warnings: [] });
    expect(await device.adopt()).toMatchObject({ outcome: "unchanged" });
    expect(await device.files("boot")).toEqual(before);
  });

  it("is refused when there are two of it", async () => {
    await using device = await readyDevice();
    await device.put("spotlive.yaml.txt", bootFile);
    expect((await device.adopt()).text).toContain("got both spotlive.yaml and spotlive.yaml.txt");
  });
});

describe("a boot partition that cannot be written", () => {
  it("is no reason not to go live", async () => {
    await using device = await readyDevice();
    const readOnly: Disk = {
      ...realDisk,
      async writeFile(path, content, mode) {
        if (path.startsWith(device.boot)) throw new Error("EROFS: read-only file system");
        await realDisk.writeFile(path, content, mode);
      },
    };
    const adoption = await device.adopt(readOnly);
    expect(adoption).toMatchObject({ outcome: "adopted", isInForce: true });
    expect(adoption.warnings.join()).toContain("EROFS");
    expect(await device.adopt()).toMatchObject({ outcome: "unchanged", warnings: [] });
    expect(occurrences(await device.files("boot"), secrets.robot)).toBe(0);
  });
});
