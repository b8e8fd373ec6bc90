import type { V4l2Device, V4l2Role } from "../domain/board.ts";
import type { RunProgram } from "./run-program.ts";
import type { Root } from "./root.ts";

/** Pixel formats that one device takes (output queue) and gives (capture queue), as FourCC, big-endian ones with `-BE`. */
export interface V4l2Formats {
  readonly takes: readonly string[];
  readonly gives: readonly string[];
}

/** More nodes than any board has. */
const mostNodes = 128;

/**
 * The memory-to-memory devices that decode or encode H.264. The kernel tells their names in sysfs; what they can do
 * only an ioctl tells, which Node.js has not, so `v4l2-ctl` (v4l-utils) is asked on this machine where it is
 * installed. Without it the driver's name decides. Total.
 */
export async function listV4l2(root: Root, run: RunProgram): Promise<readonly V4l2Device[]> {
  const folder = "/sys/class/video4linux";
  const nodes = (await root.names(folder)).filter((name) => /^video\d+$/.test(name)).slice(0, mostNodes);
  const devices: V4l2Device[] = [];
  let hasTool = root.isThisMachine;
  for (const node of nodes.toSorted((a, b) => Number(a.slice(5)) - Number(b.slice(5)))) {
    const path = `/dev/${node}`;
    const card = ((await root.text(`${folder}/${node}/name`)) ?? "").trim().slice(0, 64);
    if ((await root.expand(path)).length === 0) continue;
    const formats = hasTool ? await askFormats(path, run) : undefined;
    if (formats === "missing") hasTool = false;
    const byFormats = typeof formats === "object";
    const role = byFormats ? roleByFormats(formats) : roleByName(card);
    if (role !== undefined) devices.push({ path, card, role, by: byFormats ? "formats" : "name" });
  }
  return devices;
}

async function askFormats(path: string, run: RunProgram): Promise<V4l2Formats | "missing" | undefined> {
  const answer = await run("v4l2-ctl", ["--device", path, "--list-formats-out", "--list-formats"], 2000);
  if (answer.kind === "missing") return "missing";
  return answer.kind === "ended" ? parseFormats(answer.output.toString("latin1")) : undefined;
}

/**
 * Reads what `v4l2-ctl --list-formats --list-formats-out` prints: `[0]: 'H264' (H.264, compressed)`, or in old v4l-utils
 * (Ubuntu 18.04) `Pixel Format: 'H264' (compressed)`. A big-endian format keeps its `-BE`. Total.
 */
export function parseFormats(output: string): V4l2Formats {
  const formats: { takes: string[]; gives: string[] } = { takes: [], gives: [] };
  let into: string[] | undefined;
  for (const line of output.split("\n")) {
    const type = /^\s*Type\s*: Video (Output|Capture)\b/.exec(line)?.[1];
    if (type !== undefined) into = type === "Output" ? formats.takes : formats.gives;
    const format = /^\s*(?:\[\d+\]|Pixel Format)\s*: '(.{4}(?:-BE)?)'/.exec(line)?.[1];
    if (format !== undefined) into?.push(format.trim());
  }
  return formats;
}

/**
 * H.264 is on one side only: a loopback has it on both. A camera that gives H.264 takes nothing, so it is no encoder; a
 * stateless decoder takes `S264`, which is not ours.
 */
export function roleByFormats({ takes, gives }: V4l2Formats): V4l2Role | undefined {
  const [into, outOf] = [takes.includes("H264"), gives.includes("H264")];
  if (into && !outOf && gives.length > 0) return "decoder";
  if (outOf && !into && takes.length > 0) return "encoder";
  return undefined;
}

/** `bcm2835-codec-encode` is one; `bcm2835-codec-encode_image` (JPEG) and `rpi-hevc-dec` are none. */
export function roleByName(card: string): V4l2Role | undefined {
  if (/image|jpe?g|hevc|h265|vp[89]|av1|stateless/i.test(card)) return undefined;
  if (/(^|[-_ ])dec(ode|oder)?$/i.test(card)) return "decoder";
  if (/(^|[-_ ])enc(ode|oder)?$/i.test(card)) return "encoder";
  return undefined;
}
