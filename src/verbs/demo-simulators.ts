import { Fault } from "../domain/fault.ts";
import { childSignal } from "../lib/signals.ts";
import type { IngestReport } from "../simulator/ingest-judge.ts";
import type { Uplink } from "../simulator/uplink.ts";
import type { SimulationEvent } from "./simulate-run.ts";
import { startSimulation } from "./simulation-child.ts";

type Event<Name extends SimulationEvent["event"]> = Extract<SimulationEvent, { event: Name }>;

/** Everything around spotlive in a demo, each a process of its own. */
export interface Simulators extends AsyncDisposable {
  readonly robot: Event<"robot">;
  readonly ingestUrl: string;
  readonly brokerUrl: string | undefined;
  /** `performance.now()` when the first picture was at the ingest. */
  readonly firstFrame: Promise<number>;
  /** Rejects with a `Fault` when one of them dies. */
  readonly died: Promise<void>;
  report(): IngestReport | undefined;
  /** Resolves with the ingest's next report, at most a second later. */
  nextReport(): Promise<IngestReport>;
}

/**
 * Starts robot and ingest, the latter at the far end of the uplink if there is one, and a broker if wanted. Rejects with
 * a `Fault` when one of them does not come up.
 */
export async function startSimulators(
  { broker: withBroker, uplink }: { readonly broker: boolean; readonly uplink: Uplink | undefined },
  parent: AbortSignal,
): Promise<Simulators> {
  const scope = childSignal(parent);
  const robotUp = Promise.withResolvers<Event<"robot">>();
  const ingestUp = Promise.withResolvers<Event<"ingest">>();
  const brokerUp = Promise.withResolvers<Event<"broker">>();
  const firstFrame = Promise.withResolvers<number>();
  let report: IngestReport | undefined;
  let next = Promise.withResolvers<IngestReport>();
  const onEvent = (event: SimulationEvent): void => {
    switch (event.event) {
      case "robot":
        return robotUp.resolve(event);
      case "ingest":
        return ingestUp.resolve(event);
      case "broker":
        return brokerUp.resolve(event);
      case "first-frame":
        return firstFrame.resolve(performance.now());
      case "report":
        report = event.report;
        next.resolve(event.report);
        next = Promise.withResolvers();
    }
  };
  await using stack = new AsyncDisposableStack();
  stack.defer(() => scope[Symbol.dispose]());
  const kinds = ["robot", "ingest", ...(withBroker ? (["broker"] as const) : [])] as const;
  const children = await Promise.all(
    kinds.map((kind) =>
      kind === "ingest" && uplink !== undefined
        ? startSimulation(kind, { host: uplink.farAddress }, onEvent, scope.signal, uplink.far)
        : startSimulation(kind, {}, onEvent, scope.signal),
    ),
  );
  for (const child of children) stack.use(child);
  const died = Promise.race(children.map(({ done }) => done)).then(() => {
    if (!scope.signal.aborted) throw new Fault("child-failed", "A simulator ended by itself.");
  });
  died.catch(() => {}); // whoever holds the simulators awaits it
  const up = Promise.all([robotUp.promise, ingestUp.promise, withBroker ? brokerUp.promise : undefined]);
  const ready = await Promise.race([up, died]);
  if (ready === undefined) throw new Fault("child-failed", "The simulators were stopped while they started.");
  const [robot, { url }, broker] = ready;
  const held = stack.move();
  return {
    robot,
    ingestUrl: url,
    brokerUrl: broker?.url,
    firstFrame: firstFrame.promise,
    died,
    report: () => report,
    nextReport: () => next.promise,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}
