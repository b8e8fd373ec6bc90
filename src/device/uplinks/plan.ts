import { takesEverything } from "./ip-facts.ts";
import type { IpRoute, IpRule } from "./ip-facts.ts";

/**
 * Of the rules that are ours. First come the routes of the main table but for those to everywhere, so that the robot
 * and the neighbours stay where they are; then one rule for each address of an uplink, by which a connection keeps to
 * the uplink that it was begun on; then the uplink that all others use. What the system's own programs do to the main
 * table meanwhile, and at what metric, is of no importance.
 */
const firstPriority = 5200;
const chosenPriority = 5290;

/** The table of an uplink, which holds its way to everywhere alone. */
const tableOf = (index: number): string => String(firstPriority + 1 + index);

const isOurs = (priority: number): boolean => priority >= firstPriority && priority <= chosenPriority;

/** The interfaces of one family of addresses, as they are. */
export interface Found {
  readonly routes: readonly IpRoute[];
  readonly rules: readonly IpRule[];
}

/** One uplink that has a way to everywhere. */
export interface Path {
  readonly name: string;
  /** Its place in the configuration, from 0. */
  readonly index: number;
  /** Its own addresses; the questions are asked from the first. */
  readonly addresses: readonly [string, ...string[]];
  readonly route: IpRoute;
}

/**
 * The uplinks that can be used, in the order of the configuration. An address that an earlier one has too does not
 * count: packets from it could not be told apart.
 */
export function findPaths(
  uplinks: readonly string[],
  routes: readonly IpRoute[],
  addressesOf: (name: string) => readonly string[],
): readonly Path[] {
  const taken = new Set<string>();
  return uplinks.flatMap((name, index) => {
    const [route] = routes
      .filter(({ to, device, table }) => to === "default" && device === name && table === "main")
      .toSorted((a, b) => a.metric - b.metric);
    const [first, ...others] = addressesOf(name).filter((address) => !taken.has(address));
    if (route === undefined || first === undefined) return [];
    for (const address of [first, ...others]) taken.add(address);
    return { name, index, addresses: [first, ...others], route };
  });
}

/** Routes over the robot's interface that lead everywhere: nothing but the robot is there. */
export const strayRoutes = (
  routes: readonly IpRoute[],
  robotInterface: string | undefined,
): readonly IpRoute[] =>
  routes.filter(
    (route) => route.device === robotInterface && route.table === "main" && takesEverything(route),
  );

/**
 * What `ip -batch` has to do so that the traffic goes over `chosen`; nothing where all is as it shall be. Without
 * paths, what is ours is taken away.
 */
export function planChanges(
  found: Found,
  paths: readonly Path[],
  chosen: string | undefined,
): readonly string[] {
  const best = paths.find(({ name }) => name === chosen);
  const wantedRoutes = paths.map(({ index, route }) => ({ ...route, metric: 0, table: tableOf(index) }));
  const wantedRules: readonly IpRule[] =
    paths.length === 0
      ? []
      : [
          { priority: firstPriority, from: "all", table: "main", suppress: 0 },
          ...paths.flatMap(({ index, addresses }) =>
            addresses.map((from) => ({
              ...{ priority: Number(tableOf(index)), from, table: tableOf(index), suppress: undefined },
            })),
          ),
          ...(best === undefined
            ? []
            : [{ priority: chosenPriority, from: "all", table: tableOf(best.index), suppress: undefined }]),
        ];
  const ourRoutes = found.routes.filter(({ table }) => /^\d+$/.test(table) && isOurs(Number(table)));
  const ourRules = found.rules.filter(({ priority }) => isOurs(priority));
  const isMissing = missingFrom(ourRoutes, spellRoute);
  const isTooMuch = missingFrom(wantedRoutes, spellRoute);
  // Routes first: a rule must never lead to an empty table, nor away from the one in use before the next is there.
  return [
    ...wantedRoutes.filter(isMissing).map((route) => `route replace ${spellRoute(route)}`),
    ...wantedRules.filter(missingFrom(ourRules, spellRule)).map((rule) => `rule add ${spellRule(rule)}`),
    ...ourRules.filter(missingFrom(wantedRules, spellRule)).map((rule) => `rule del ${spellRule(rule)}`),
    ...ourRoutes
      .filter((route) => isTooMuch(route) && !wantedRoutes.some(({ table }) => table === route.table))
      .map((route) => `route del ${spellRoute(route)}`),
  ];
}

/** For the interface's own table, in which there is one route, whatever metric the family gives it. */
export function spellRoute({ to, device, gateway, source, table, isOnlink }: IpRoute): string {
  return [
    to,
    ...(gateway === undefined ? [] : ["via", gateway]),
    ...["dev", device],
    ...(source === undefined ? [] : ["src", source]),
    ...["table", table],
    ...(isOnlink ? ["onlink"] : []),
  ].join(" ");
}

/** For one among several of the main table. */
export const spellStray = (route: IpRoute): string => `${spellRoute(route)} metric ${route.metric}`;

function spellRule({ priority, from, table, suppress }: IpRule): string {
  const more = suppress === undefined ? "" : ` suppress_prefixlength ${suppress}`;
  return `from ${from} lookup ${table}${more} priority ${priority}`;
}

function missingFrom<T>(others: readonly T[], spell: (one: T) => string): (one: T) => boolean {
  const spelt = new Set(others.map(spell));
  return (one) => !spelt.has(spell(one));
}
