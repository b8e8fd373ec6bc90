import type { CommandRequest, Result, Submit } from "../domain/command.ts";
import { Fault, summarize, toFault } from "../domain/fault.ts";
import type { Phase, Report, Status, StatusEvent } from "../domain/status.ts";
import { nowUs } from "../lib/clock.ts";
import { childSignal } from "../lib/retry.ts";
import { Session } from "./session.ts";
import type { SessionParts } from "./session.ts";
import { StatusBoard } from "./status.ts";

export interface SupervisorOptions {
  /** Makes source and outputs; they report through `report` from the beginning. */
  readonly createParts: (report: Report) => Omit<SessionParts, "report">;
  /** Where every event goes besides the status: logs, a display. */
  readonly report: Report;
  /** Remembers what was wanted last, for `autostart: last`. Called before a command is answered. */
  readonly remember: (desired: Status["desired"]) => Promise<void>;
  /** Awaited before each start: the clock must be sane before certificates are judged. */
  readonly prepare: (signal: AbortSignal) => Promise<void>;
}

export interface Supervisor {
  readonly submit: Submit;
  /** What the parts report; every event goes through here. */
  readonly report: Report;
  status(): Status;
  /** Reconciles what is with what is wanted until aborted, then stops what runs. */
  run(signal: AbortSignal): Promise<void>;
}

/** Outputs close within this time or are left behind. */
const stopLimitMs = 4500;
const rememberedRequests = 200;

/**
 * Desired state, one command at a time, reconcile. Commands only change what is wanted; the loop in `run` is the only
 * one that starts and stops a session.
 *
 * Invariants: at most one session exists; `wanted` changes only in `obey` and when a session ends for good.
 */
export function createSupervisor(options: SupervisorOptions): Supervisor {
  const board = new StatusBoard();
  const answered = new Map<string, Promise<Result>>();
  let wanted: Status["desired"] = "idle";
  let session: Session | undefined;
  let changed = Promise.withResolvers<void>();
  let turn: Promise<unknown> = Promise.resolve();
  const parts = options.createParts(report);
  board.apply({ type: "source", name: parts.source.name, state: "idle" }, nowUs());
  for (const { name } of parts.outputs) board.apply({ type: "output", name, state: "idle" }, nowUs());

  function report(event: StatusEvent): void {
    board.apply(event, nowUs());
    options.report(event);
    if (session === undefined || wanted !== "live" || event.type === "phase") return;
    const { phase, reason } = board.judge();
    const now = board.read(wanted, nowUs());
    if (phase !== now.phase || reason !== now.reason) setPhase(phase, reason);
  }

  function setPhase(phase: Phase, reason: string): void {
    const event: StatusEvent = { type: "phase", phase, reason };
    board.apply(event, nowUs());
    options.report(event);
  }

  const status = (): Status => board.read(wanted, nowUs());

  function submit(request: CommandRequest): Promise<Result> {
    const known = answered.get(request.id);
    if (known !== undefined) return known;
    const result = turn.then(() => obey(request));
    turn = result;
    answered.set(request.id, result);
    const [oldest] = answered.keys();
    if (answered.size > rememberedRequests && oldest !== undefined) answered.delete(oldest);
    return result;
  }

  async function obey(request: CommandRequest): Promise<Result> {
    const { id, command } = request;
    try {
      if (request.expiresAt !== undefined && nowUs() > request.expiresAt) {
        throw new Fault("expired", `The command "${command.kind}" came too late and was not carried out.`);
      }
      switch (command.kind) {
        case "start":
          await want("live");
          break;
        case "stop":
          await want("idle");
          break;
        case "status":
          break;
      }
      return { ok: true, id, status: status() };
    } catch (error) {
      return { ok: false, id, fault: summarize(toFault(error)) };
    }
  }

  async function want(desired: Status["desired"]): Promise<void> {
    await options.remember(desired);
    if (desired === "live") session?.reviveFailedOutputs();
    wanted = desired;
    wake();
  }

  function wake(): void {
    changed.resolve();
    changed = Promise.withResolvers();
  }

  async function run(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", wake, { once: true });
    while (!signal.aborted) {
      if (wanted === "live") await runSession(signal);
      else await changed.promise;
    }
  }

  /** One session, from the wish for it to the wish against it, the process's end, or a fault that is final. */
  async function runSession(signal: AbortSignal): Promise<void> {
    using scope = childSignal(signal);
    const unwanted = untilIdle(scope.signal);
    const current = new Session({ ...parts, report });
    session = current;
    setPhase("starting", "Connecting to the camera.");
    const running = options.prepare(scope.signal).then(() => current.run(scope.signal));
    let final: Fault | undefined;
    try {
      await Promise.race([running, unwanted]);
    } catch (error) {
      final = toFault(error);
      wanted = "idle";
    }
    session = undefined; // from here on the states of its parts make no phase
    setPhase("stopping", final?.message ?? "Closing the outputs.");
    scope.abort();
    await Promise.race([running.catch(() => {}), delay(stopLimitMs)]);
    setPhase("idle", final === undefined ? "Stopped on request." : `Stopped: ${final.message}`);
  }

  async function untilIdle(signal: AbortSignal): Promise<void> {
    while (wanted === "live" && !signal.aborted) await changed.promise;
  }

  return { submit, report, status, run };
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}
