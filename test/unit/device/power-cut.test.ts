import { cp, readlink, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import { cutAfter, makeDevice, PowerCut } from "./helpers.ts";
import type { Device } from "./helpers.ts";

const old = { password: "old-canary-1", key: "old-canary-2" };
const fresh = { password: "new-canary-3", key: "new-canary-4" };
const file = ({ password, key }: typeof old): string =>
  `spot: { username: me, password: ${password} }\noutputs:\n  - streamKeyFile: stream.key\n    name: main\n# ${key}\ndevice: { country: DE, wifi: [{ name: w, password: ${password}-wifi }] }\n`;

async function prepare(state: "first" | "again"): Promise<Device> {
  const device = await makeDevice();
  if (state === "again") {
    await device.put("spotlive.yaml", file(old));
    await device.put("stream.key", `${old.key}\n`);
    await device.adopt();
  }
  await device.put("spotlive.yaml", file(fresh));
  await device.put("stream.key", `${fresh.key}\n`);
  return device;
}

/** What is in force, without where it lies. */
async function inForce(device: Device): Promise<readonly (readonly [string, string])[]> {
  const files = Object.entries(await device.files("data")).filter(([path]) =>
    path.startsWith("generations/"),
  );
  const current = await readlink(`${device.data}/current`).catch(() => "none");
  return files
    .filter(([path]) => path.startsWith(`${current}/`))
    .map(([path, text]) => [path.slice(current.length), text.replaceAll(dirname(device.data), "")] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** Keeps a copy of both partitions as they are now. */
async function save({ boot, data }: Device) {
  const copy = async (from: string, to: string): Promise<void> => {
    await rm(to, { recursive: true, force: true });
    await cp(from, to, { recursive: true, verbatimSymlinks: true });
  };
  const folders = [boot, data].map((folder) => [folder, `${folder}.saved`] as const);
  for (const [folder, saved] of folders) await copy(folder, saved);
  return {
    async restore() {
      for (const [folder, saved] of folders) await copy(saved, folder);
    },
    async [Symbol.asyncDispose]() {
      for (const [, saved] of folders) await rm(saved, { recursive: true });
    },
  };
}

describe.each([
  ["again", 1],
  ["first", 3], // the same writes with less to lose: every third will do
] as const)("a power cut while a boot file is taken over (%s)", (state, step) => {
  it("loses no secret, leaves none twice, and never mixes old and new, wherever it comes", async () => {
    await using device = await prepare(state);
    await using saved = await save(device);
    const oldInForce = await inForce(device);
    await device.adopt();
    const newInForce = await inForce(device);
    const newBoot = await device.files("boot");
    let cuts = 0;
    for (; ; cuts += step) {
      await saved.restore();
      const isCut = await device.adopt(cutAfter(cuts)).then(
        // The boot partition may fail without an end; a cut there is told as a warning.
        ({ warnings }) => warnings.length > 0,
        (error: unknown) => {
          expect(error).toMatchObject({ cause: expect.any(PowerCut) });
          return true;
        },
      );
      const now = await inForce(device);
      expect([oldInForce, newInForce]).toContainEqual(now);
      const boot = await device.files("boot");
      if (JSON.stringify(now) !== JSON.stringify(newInForce)) {
        expect(Object.values(boot).join()).toContain(fresh.password);
        expect(boot["stream.key"]).toContain(fresh.key);
      }
      expect(await device.adopt()).toMatchObject({ isInForce: true, warnings: [] });
      expect(await inForce(device)).toEqual(newInForce);
      expect(await device.files("boot")).toEqual(newBoot);
      const everything = Object.entries(await device.files("data"));
      expect(everything.length).toBe(newInForce.length + 1);
      for (const secret of Object.values(old)) expect(JSON.stringify(everything)).not.toContain(secret);
      if (!isCut) break;
    }
    expect(cuts).toBeGreaterThan(20);
  }, 30_000);
});
