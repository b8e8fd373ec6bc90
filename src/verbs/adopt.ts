import { networkBackends } from "../device/system-files.ts";
import type { NetworkBackend } from "../device/system-files.ts";
import { jsonOption, usage } from "./verb.ts";
import type { Verb } from "./verb.ts";

const auto = "auto";
const networks = [...networkBackends, auto].join(", ");

export const adopt: Verb = {
  name: "adopt",
  summary:
    "take the boot file over: check it, put it in force, take its secrets away from the boot partition",
  options: {
    boot: { type: "string", value: "DIR", doc: "the boot partition, with spotlive.yaml" },
    data: { type: "string", value: "DIR", doc: "the data partition's folder, where everything is kept" },
    network: {
      type: "string",
      value: "NAME",
      doc: `who looks after the links: ${networks} (default: ${networkBackends[0]})`,
    },
    system: {
      type: "string",
      value: "DIR",
      doc: "also give name, time zone, links and WiFi to the system with this root",
    },
    user: { type: "string", value: "NAME", doc: "who the service runs as, and may read its configuration" },
    record: {
      type: "string",
      value: "DIR",
      doc: "begin the boot report, and keep here what the service is to know of it",
    },
    ...jsonOption,
  },
  async run({ text, flag, print }) {
    const { resolve } = await import("node:path");
    const [boot, data, user] = [text("boot"), text("data"), text("user")];
    if (boot === undefined || data === undefined) throw usage("adopt takes --boot DIR and --data DIR");
    const backend = await backendOf(text("network") ?? networkBackends[0]);
    const folder = (name: string): string | undefined => {
      const given = text(name);
      return given === undefined ? undefined : resolve(given);
    };
    const { adoptAtPowerOn } = await import("../report.ts");
    const adoption = await adoptAtPowerOn({
      ...{ boot: resolve(boot), data: resolve(data), backend },
      ...{ userName: user, system: folder("system"), record: folder("record") },
    });
    const { outcome, isInForce, adopted } = adoption;
    if (flag("json")) print(JSON.stringify({ version: 1, ...adoption }));
    else {
      for (const line of [adoption.text, ...adoption.warnings]) print(line);
      if (folder("record") !== undefined)
        for (const [mark, seconds] of Object.entries({ kernel: 0, adopted }))
          print(`spotlive: boot mark ${mark} ${seconds.toFixed(1)} s`);
    }
    const { Fault } = await import("../domain/fault.ts");
    if (outcome === "failed") throw new Fault("internal", "The boot file could not be taken over.");
    if (outcome === "refused" || !isInForce)
      throw new Fault("config-invalid", `The boot file was not taken over (${outcome}).`);
  },
};

async function backendOf(name: string): Promise<NetworkBackend> {
  const known = networkBackends.find((known) => known === name);
  if (known !== undefined) return known;
  if (name !== auto) throw usage(`--network takes ${networks}, got ${JSON.stringify(name.slice(0, 40))}`);
  const { openRoot } = await import("../boards/root.ts");
  const starts = await openRoot().expand(
    "/etc/systemd/system/multi-user.target.wants/NetworkManager.service",
  );
  return starts.length > 0 ? "networkmanager" : "networkd";
}
