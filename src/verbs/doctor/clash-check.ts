import { networkInterfaces } from "node:os";
import { explainClash, findClashes } from "../../lib/clash.ts";
import type { Interfaces } from "../../lib/clash.ts";
import { ok, unknown, warning, wrong } from "./check.ts";
import type { Finding } from "./check.ts";
import { peersOf } from "./context.ts";
import type { DoctorContext } from "./context.ts";
import { addressesOf, describeWay, readRoutes, wayTo } from "./network.ts";

const id = "network-clash";

/** Whether another interface is in a network with the robot's addresses, and where the robot is looked for then. */
export async function checkClash(
  context: DoctorContext,
  interfaces: Interfaces = networkInterfaces(),
): Promise<readonly Finding[]> {
  const peers = peersOf(context.config);
  const hosts = (await Promise.all(peers.map(({ host }) => addressesOf(host).catch(() => [])))).flat();
  const [host] = hosts;
  if (host === undefined) return [unknown(id, "The robot's name has no address.")];
  const way = await wayTo(host, await readRoutes(context.root), context.run);
  const source = context.config?.source;
  const configured = source?.kind === "spot" ? source.interface : undefined;
  const robotInterface = configured ?? way?.device;
  const clashes = findClashes(interfaces, hosts, robotInterface);
  const where = way === undefined ? "there is no route to it" : `the way to it is ${describeWay(way)}`;
  if (clashes.length === 0)
    return [ok(id, `No other interface is in a network with the addresses of ${host}; ${where}.`)];
  const isFound = way !== undefined && way.device === robotInterface;
  return clashes.map((clash, index) => {
    const { evidence, meaning, remedy } = explainClash(clash, robotInterface);
    const isLost = clash.kind === "same-address" || (clash.kind === "robot-inside" && !isFound);
    const meant =
      isLost && clash.kind !== "same-address" ? `The robot is looked for there. ${meaning}` : meaning;
    const route =
      robotInterface === undefined ? "" : ` Until then: ip route replace ${host}/32 dev ${robotInterface}.`;
    const judge = isLost ? wrong : warning;
    return judge(
      index === 0 ? id : `${id}:${clash.name}`,
      `${evidence} The robot is ${host}; ${where}.`,
      meant,
      clash.kind === "robot-inside" && !isFound ? `${remedy}${route}` : remedy,
    );
  });
}
