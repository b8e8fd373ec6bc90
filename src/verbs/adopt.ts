import { networkBackends } from "../device/system-files.ts";
import { jsonOption, usage } from "./verb.ts";
import type { Verb } from "./verb.ts";

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
      doc: `who looks after the links: ${networkBackends.join(" or ")} (default: ${networkBackends[0]})`,
    },
    ...jsonOption,
  },
  async run({ text, flag, print }) {
    const { resolve } = await import("node:path");
    const { adoptBootFile } = await import("../device/adopt.ts");
    const { realDisk } = await import("../device/disk.ts");
    const { Fault } = await import("../domain/fault.ts");
    const [boot, data, network = networkBackends[0]] = [text("boot"), text("data"), text("network")];
    const backend = networkBackends.find((name) => name === network);
    if (boot === undefined || data === undefined) throw usage("adopt takes --boot DIR and --data DIR");
    if (backend === undefined)
      throw usage(
        `--network takes ${networkBackends.join(" or ")}, got ${JSON.stringify(network.slice(0, 40))}`,
      );
    const folders = { boot: resolve(boot), data: resolve(data) };
    const adoption = await adoptBootFile({ ...folders, backend, disk: realDisk });
    if (flag("json")) print(JSON.stringify({ version: 1, ...adoption }));
    else for (const line of [adoption.text, ...adoption.warnings]) print(line);
    if (adoption.outcome === "refused" || !adoption.isInForce)
      throw new Fault("config-invalid", `The boot file was not taken over (${adoption.outcome}).`);
  },
};
