import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { startChild } from "../../src/lib/child.ts";
import { runInside, systemProgram } from "../../src/simulator/namespace.ts";
import { makeVethPair } from "../../src/simulator/uplink.ts";
import type { Link, LinkEnd, MakeLink } from "../../src/simulator/uplink.ts";

const relay = fileURLToPath(new URL("delay-relay.py", import.meta.url));
const purpose = "delaying a link";

/**
 * A link whose packets take `milliseconds` each way, for `openUplink`: netem on a veth pair where the kernel has it,
 * otherwise a relay between two TUN devices. The `kind` of the link says which.
 */
export function delayedLink(milliseconds: number): MakeLink {
  return async (ends, signal) => {
    const link = await makeVethPair(ends, signal);
    try {
      for (const { namespace, device } of ends) {
        const netem = ["netem", "delay", `${milliseconds}ms`, "limit", "10000"] as const;
        const tc = systemProgram("tc", "iproute2");
        await runInside(
          namespace,
          [tc, "qdisc", "add", "dev", device, "root", ...netem],
          { purpose },
          signal,
        );
      }
      return { ...link, kind: `a veth pair with netem, ${milliseconds} ms each way` };
    } catch {
      const [, { namespace, device }] = ends;
      await inside(namespace, ["link", "del", "dev", device], signal);
      return await relayedLink(ends, milliseconds, signal);
    }
  };
}

async function relayedLink(
  [near, line]: readonly [LinkEnd, LinkEnd],
  milliseconds: number,
  signal: AbortSignal,
): Promise<Link> {
  const words = [relay, near.device, line.device, String(milliseconds / 1000)];
  const [program, ...argv] = line.namespace.enter(["python3", ...words]);
  const child = await startChild(program, argv, signal, { purpose });
  const ready = once(child.stdout, "data");
  ready.catch(() => {});
  await Promise.race([ready, child.done.then(() => Promise.reject(new Error("the relay ended")))]);
  await inside(line.namespace, ["link", "set", "dev", near.device, "netns", `${near.namespace.pid}`], signal);
  const kind = `a relay between two TUN devices, ${milliseconds} ms each way (this kernel has no netem)`;
  return { kind, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
}

function inside(
  namespace: LinkEnd["namespace"],
  argv: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  return runInside(namespace, [systemProgram("ip", "iproute2"), ...argv], { purpose }, signal);
}
