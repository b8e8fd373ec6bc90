import type { Root } from "./root.ts";

/** What a machine says of itself. */
export interface BoardFacts {
  /** The device tree's name of the board. */
  readonly model?: string;
  /** The device tree's `compatible`, most specific first; empty where there is no device tree. */
  readonly compatible: readonly string[];
  /** Files of /sys/class/dmi/id that tell the make; empty where there are none. */
  readonly dmi: Readonly<Record<string, string>>;
  readonly cpuVendors: readonly string[];
  readonly cores: number;
  /** `PRETTY_NAME` of os-release. */
  readonly system?: string;
  /** Release of the running kernel. */
  readonly kernel?: string;
}

const dmiFiles = ["sys_vendor", "product_name", "product_version", "board_vendor", "board_name"] as const;

/** Reads them. Total: what cannot be read is left out. */
export async function readBoardFacts(root: Root): Promise<BoardFacts> {
  const [model, compatible, cpuinfo, system, kernel, ...dmi] = await Promise.all([
    root.text("/proc/device-tree/model"),
    root.text("/proc/device-tree/compatible"),
    root.text("/proc/cpuinfo"),
    root.text("/etc/os-release"),
    root.text("/proc/sys/kernel/osrelease"),
    ...dmiFiles.map((name) => root.text(`/sys/class/dmi/id/${name}`)),
  ]);
  const processors = parseCpuinfo(cpuinfo ?? "");
  const name = parseOsRelease(system ?? "");
  const known = dmiFiles.flatMap((file, index) => {
    const value = oneLine(dmi[index]);
    return value === undefined ? [] : [[file, value] as const];
  });
  const [modelLine, kernelLine] = [parseStrings(model ?? "")[0], oneLine(kernel)];
  return {
    ...(modelLine !== undefined && { model: modelLine }),
    compatible: parseStrings(compatible ?? ""),
    dmi: Object.fromEntries(known),
    ...processors,
    ...(name !== undefined && { system: name }),
    ...(kernelLine !== undefined && { kernel: kernelLine }),
  };
}

/** A device tree's list of strings: each ends with NUL (Devicetree Specification 0.4, 2.2.4). Total. */
export function parseStrings(value: string): readonly string[] {
  return value
    .split("\0")
    .map((text) => text.trim())
    .filter((text) => text !== "");
}

/** Vendors and number of processors of /proc/cpuinfo. ARM tells no `vendor_id`. Total. */
export function parseCpuinfo(cpuinfo: string): Pick<BoardFacts, "cpuVendors" | "cores"> {
  const values = (key: string): string[] =>
    cpuinfo.split("\n").flatMap((line) => {
      const colon = line.indexOf(":");
      return colon > 0 && line.slice(0, colon).trim() === key ? [line.slice(colon + 1).trim()] : [];
    });
  return { cpuVendors: [...new Set(values("vendor_id"))], cores: Math.max(1, values("processor").length) };
}

/** `PRETTY_NAME` of an os-release file (os-release(5)). Total. */
export function parseOsRelease(content: string): string | undefined {
  const value = /^PRETTY_NAME=(.*)$/m.exec(content)?.[1]?.trim();
  return value === undefined ? undefined : oneLine(value.replace(/^(["'])(.*)\1$/, "$2"));
}

function oneLine(text: string | undefined): string | undefined {
  const line = text?.split("\n")[0]?.trim();
  return line === undefined || line === "" ? undefined : line;
}
