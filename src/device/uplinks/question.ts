import { connect as connectTcp, isIP } from "node:net";
import { connect as connectTls } from "node:tls";
import type { UplinkTarget } from "../../config/uplink-config.ts";
import { Fault, toFault } from "../../domain/fault.ts";
import { childSignal } from "../../lib/signals.ts";
import type { Family } from "./ip-facts.ts";
import { publicServers } from "./names.ts";
import type { Names } from "./names.ts";

/** What is asked over one uplink, and how. */
export interface Question {
  /** At least one. */
  readonly targets: readonly UplinkTarget[];
  readonly family: Family;
  /** The uplink's own address: a rule sends what comes from it over that uplink. */
  readonly from: string;
  /** Whether a certificate is to be shown: behind a captive portal everything answers, but with a wrong one. */
  readonly isDoubtful: boolean;
  /** For one connection; a question takes at most twice as long, and a little for the name servers. */
  readonly limitMs: number;
}

export interface Answer {
  /** Undefined where nobody can be asked in this family of addresses. */
  readonly hasAnswered: boolean | undefined;
  /** Who answered or why not, for people. */
  readonly text: string;
}

/** A board without a battery clock wakes up in the past: what only the clock says against a certificate does not count. */
const clockErrors = ["CERT_NOT_YET_VALID", "CERT_HAS_EXPIRED"];

interface Address {
  readonly target: UplinkTarget;
  readonly address: string;
}

/**
 * Asks whether one of the targets is reached over an uplink: by an address that is known first, then by those that name
 * servers know. Where no name server answers either, one of them is what is looked for. Never rejects.
 */
export async function ask(question: Question, names: Names, signal: AbortSignal): Promise<Answer> {
  const { family, from, targets } = question;
  const known = targets.flatMap((target): readonly Address[] => {
    const address = isIP(target.host) === family ? target.host : names.known(target.host, family);
    return address === undefined ? [] : [{ target, address }];
  });
  const first = await reachOne(known, question, signal);
  const named = targets.filter(({ host }) => isIP(host) === 0);
  if (first.hasAnswered === true || named.length === 0 || signal.aborted) return first;
  const found = await Promise.all(
    named.map(async (target) =>
      (await names.find(target.host, family, from)).map((address) => ({ target, address })),
    ),
  );
  const fresh = found.flat().filter(({ address }) => known.every((one) => one.address !== address));
  // A host without an IPv6 address is no reason to look for anybody else's.
  if (fresh.length === 0 && (known.length > 0 || family === 6)) return first;
  const second = await reachOne(fresh.length > 0 ? fresh : landmarks, question, signal);
  if (second.by !== undefined && fresh.includes(second.by))
    names.remember(second.by.target.host, family, second.by.address);
  return second;
}

const landmarks: readonly Address[] = publicServers[4].map((address) => ({
  ...{ target: { host: address, port: 443, tls: true }, address },
}));

interface Outcome extends Answer {
  readonly by?: Address;
}

/** All at once; who answers first counts. */
async function reachOne(
  addresses: readonly Address[],
  question: Question,
  signal: AbortSignal,
): Promise<Outcome> {
  if (addresses.length === 0) return { hasAnswered: undefined, text: "there is nobody to ask" };
  using scope = childSignal(signal);
  const timer = setTimeout(() => scope.abort(), question.limitMs);
  const attempts = addresses.map((by) => reach(by, question, scope.signal).then(() => by));
  try {
    const by = await Promise.any(attempts);
    return { hasAnswered: true, text: `${spell(by.target)} answers`, by };
  } catch (error) {
    const reasons = error instanceof AggregateError ? (error.errors as readonly unknown[]) : [error];
    return { hasAnswered: false, text: toFault(reasons[0]).message };
  } finally {
    clearTimeout(timer);
  }
}

const spell = ({ host, port }: UplinkTarget): string => `${host}:${port}`;

/** Connects and closes at once. Rejects with a `Fault` (`output-unreachable`). */
async function reach({ target, address }: Address, question: Question, signal: AbortSignal): Promise<void> {
  const { host, port, tls } = target;
  const { from, isDoubtful, limitMs } = question;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const stop = (): void =>
    reject(new Fault("output-unreachable", `${spell(target)} does not answer within ${limitMs / 1000} s`));
  const way = { host: address, port, localAddress: from };
  const socket =
    tls && isDoubtful
      ? connectTls({ ...way, ...(isIP(host) === 0 && { servername: host }) }, resolve)
      : connectTcp(way, resolve);
  socket.on("error", (error: NodeJS.ErrnoException) => {
    const { code = error.message } = error;
    if (clockErrors.includes(code)) return resolve();
    const how = /CERT|SELF_SIGNED|VERIFY/.test(code)
      ? "shows another's certificate, as captive portals do"
      : "is not reached";
    reject(new Fault("output-unreachable", `${spell(target)} ${how} (${code})`));
  });
  signal.addEventListener("abort", stop, { once: true });
  try {
    if (signal.aborted) stop();
    await promise;
  } finally {
    signal.removeEventListener("abort", stop);
    socket.destroy();
  }
}
