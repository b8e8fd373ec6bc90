import { spawn } from "node:child_process";
import { once } from "node:events";
import { readlink } from "node:fs/promises";
import { Fault, toFault } from "../domain/fault.ts";
import { unshared } from "../simulator/namespace.ts";
import { openUplink, whyNoUplink } from "../simulator/uplink.ts";
import type { Uplink } from "../simulator/uplink.ts";

/** As in the appliance's image: what TCP has not sent yet stays with us, where it can still be dropped. */
const notSentLowWater = 32_768;

/**
 * Runs this command line again in a new network namespace and resolves when that has ended well; otherwise this process
 * ends as that one did, which has said why. The child is told the namespace that it must not touch, and ends when its
 * standard input does: at our abort or death. A signal would come twice where the terminal sends one too.
 * Throws a `Fault` where this machine makes no namespaces.
 */
export async function runInNewNamespace(signal: AbortSignal): Promise<void> {
  const reason = await whyNoUplink(signal);
  if (signal.aborted) return;
  if (reason !== undefined) throw new Fault("not-supported", `--uplink cannot be had. ${reason}`);
  const again = [...process.execArgv, ...process.argv.slice(1), "--outside", await networkNamespace()];
  const [program, ...argv] = unshared([process.execPath, ...again]);
  const child = spawn(program, argv, { stdio: ["pipe", "inherit", "inherit"] });
  const leave = (): void => void child.stdin.end();
  signal.addEventListener("abort", leave, { once: true });
  try {
    const [code, by] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
    if (by !== null) throw new Fault("child-failed", `The demo behind the uplink was ended by ${by}.`);
    if (code !== null && code !== 0) process.exit(code);
  } catch (error) {
    throw toFault(error, "child-failed", "The demo behind the uplink");
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

/** The uplink of a demo that runs in its near namespace, `outside` being the namespace it came from. */
export async function openDemoUplink(
  bitsPerSecond: number,
  outside: string,
  signal: AbortSignal,
): Promise<Uplink> {
  if ((await networkNamespace()) === outside)
    throw new Fault("internal", "The uplink of the demo would change the network of this machine.");
  const uplink = await openUplink({ near: "own" }, signal);
  try {
    await uplink.setRate(bitsPerSecond);
    await uplink.setSysctl("net.ipv4.tcp_notsent_lowat", notSentLowWater);
    return uplink;
  } catch (error) {
    await uplink[Symbol.asyncDispose]();
    throw error;
  }
}

/** The identity of the network namespace of this process: `net:[4026531840]`. */
function networkNamespace(): Promise<string> {
  return readlink("/proc/self/ns/net");
}
