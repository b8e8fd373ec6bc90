import type { CommandRequest, Result, Submit } from "../domain/command.ts";
import { Fault, summarize, toFault } from "../domain/fault.ts";
import type { Unit } from "../domain/media.ts";
import type { Onlooker } from "../domain/preview.ts";
import type { Phase, Report, Status, StatusEvent } from "../domain/status.ts";
import { nowUs } from "../lib/clock.ts";
import { childSignal } from "../lib/signals.ts";
import { CameraLane } from "./camera-lane.ts";
import { EncoderSettings } from "./care/encoder-settings.ts";
import type { Line } from "./line.ts";
import type { Remembered } from "./memory.ts";
import type { RateLimits } from "./adapt/rate-range.ts";
import { runSource } from "./run-source.ts";
import { Session } from "./session/session.ts";
import { changeSettings } from "./settings.ts";
import { StatusBoard } from "./status.ts";

export interface SupervisorOptions {
  /** Makes source and outputs; they report through `report` from the beginning. */
  readonly createLine: (report: Report) => Line;
  readonly initial: Remembered;
  /** Where every event goes besides the status: logs, surfaces, a display. */
  readonly report: Report;
  /** Remembers over power-off. Awaited before a command is answered. */
  readonly remember: (state: Remembered) => Promise<void>;
  /** Awaited before each start: the clock must be sane before certificates are judged. `tell` says what is awaited. */
  readonly prepare: (tell: (reason: string) => void, signal: AbortSignal) => Promise<void>;
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
 * one that starts and stops a session. Camera moves have a lane of their own, so that a robot that does not answer
 * never holds up a `stop`.
 *
 * Invariants: at most one session, and no look at the camera beside it; only `change` and a session's end set `state`.
 */
export function createSupervisor(options: SupervisorOptions): Supervisor {
  const board = new StatusBoard();
  const answered = new Map<string, Promise<Result>>();
  let state = options.initial;
  let session: Session | undefined;
  let edition = 0;
  let changed = Promise.withResolvers<void>();
  let turn: Promise<unknown> = Promise.resolve();
  const line = options.createLine(report);
  const camera = new CameraLane(line.camera, report);
  const encoder = new EncoderSettings(line.camera, line.encoder, report);
  let { idrSeconds } = line;
  board.apply({ type: "source", name: line.sourceName, state: "idle" }, nowUs());
  for (const name of line.outputNames) board.apply({ type: "output", name, state: "idle" }, nowUs());

  function report(event: StatusEvent): void {
    board.apply(event, nowUs());
    options.report(event);
    if (event.type === "source" && event.state === "running") camera.refresh();
    if (session === undefined || event.type === "phase") return;
    if (event.type === "health") session.setStrain(event.health.strain);
    const { phase, reason } = board.judge();
    const now = status();
    if (phase !== now.phase || reason !== now.reason) setPhase(phase, reason);
  }

  function setPhase(phase: Phase, reason: string): void {
    const event: StatusEvent = { type: "phase", phase, reason };
    board.apply(event, nowUs());
    options.report(event);
  }

  const status = (): Status => board.read(state, nowUs());

  function submit(request: CommandRequest): Promise<Result> {
    const known = answered.get(request.id);
    if (known !== undefined) return known;
    const result = request.command.kind === "camera" ? answer(request) : turn.then(() => answer(request));
    if (request.command.kind !== "camera") turn = result;
    answered.set(request.id, result);
    const [oldest] = answered.keys();
    if (answered.size > rememberedRequests && oldest !== undefined) answered.delete(oldest);
    return result;
  }

  async function answer(request: CommandRequest): Promise<Result> {
    const { id } = request;
    try {
      refuseIfLate(request);
      await obey(request);
      return { ok: true, id, status: status() };
    } catch (error) {
      return { ok: false, id, fault: summarize(toFault(error)) };
    }
  }

  function refuseIfLocked(origin: CommandRequest["origin"]): void {
    if (!state.locked || (origin !== "chat" && origin !== "mqtt")) return;
    throw new Fault("locked", "The operator has locked the camera: it cannot be moved until it is unlocked.");
  }

  async function obey(request: CommandRequest): Promise<void> {
    const { command, origin } = request;
    switch (command.kind) {
      case "start":
        session?.reviveFailedOutputs();
        return change({ desired: "live" });
      case "stop":
        return change({ desired: "idle" });
      case "restart":
        edition += 1;
        return wake();
      case "status":
        return;
      case "set": {
        const before = state.settings;
        const settings = changeSettings(command.change, before, line);
        await change({ settings });
        idrSeconds = command.change.idrSeconds ?? idrSeconds;
        report({ type: "settings", settings });
        if (settings.audio !== before.audio) edition += 1; // another track is another stream
        session?.setDestinations(settings.destinations);
        return wake();
      }
      case "keyframe":
        session?.requestKeyframe();
        return;
      case "camera":
        refuseIfLocked(origin);
        // Asked again when the move's turn comes: the operator may have locked the camera meanwhile.
        return camera.act(command.action, () => {
          refuseIfLate(request);
          refuseIfLocked(origin);
        });
      case "clip":
        throw new Fault("not-supported", "This version makes no clips yet.");
      case "lock":
      case "unlock": {
        const locked = command.kind === "lock";
        await change({ locked });
        report({ type: "lock", locked, by: request.by ?? origin });
      }
    }
  }

  async function change(part: Partial<Remembered>): Promise<void> {
    const next = { ...state, ...part };
    await options.remember(next);
    state = next;
    wake();
  }

  function wake(): void {
    changed.resolve();
    changed = Promise.withResolvers();
  }

  async function run(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", wake, { once: true });
    using scope = childSignal(signal);
    const moving = camera.run(scope.signal);
    const { onlooker } = line;
    onlooker?.onWish(wake);
    while (!signal.aborted) {
      if (state.desired === "live") await runSession(signal);
      else if (onlooker?.isWanted === true) await look(onlooker, signal);
      else await changed.promise;
    }
    await moving;
  }

  /** One session, from the wish for it to the wish against it, the process's end, or a fault that is final. */
  async function runSession(signal: AbortSignal): Promise<void> {
    using scope = childSignal(signal);
    const unwanted = untilUnwanted(edition, scope.signal);
    const rateLimits = (): RateLimits => ({ ...line.rate, cap: state.settings.bitrateCap });
    const strain = (): number => status().health?.strain ?? 0;
    const context = { encoder, rateLimits, idrSeconds: () => idrSeconds, strain, report };
    const current = new Session(line.build(state.settings), context, state.settings.destinations);
    const running = options
      .prepare((reason) => setPhase("starting", reason), scope.signal)
      .then(() => {
        session = current;
        setPhase("starting", "Connecting to the camera.");
        return current.run(scope.signal);
      });
    let final: Fault | undefined;
    try {
      await Promise.race([running, unwanted]);
    } catch (error) {
      final = toFault(error);
      state = { ...state, desired: "idle" }; // not remembered: the next power-on tries again
    }
    session = undefined; // from here on the states of its parts make no phase
    setPhase("stopping", final?.message ?? "Closing the outputs.");
    scope.abort();
    await Promise.race([Promise.all([running.catch(() => {}), encoder.release()]), delay(stopLimitMs)]);
    setPhase("idle", final === undefined ? "Stopped on request." : `Stopped: ${final.message}`);
  }

  /** The camera's picture for onlookers while the line is stopped, until nobody looks any more or it is started. */
  async function look(onlooker: Onlooker, signal: AbortSignal): Promise<void> {
    using scope = childSignal(signal);
    const { reason } = status();
    const { source } = line.build(state.settings);
    setPhase(
      "idle",
      "Stopped; the camera's picture is shown to somebody in a browser and goes nowhere else.",
    );
    const looking = options
      .prepare((text) => setPhase("idle", text), scope.signal)
      .then(async () => {
        using attendance = onlooker.attend(source);
        const accept = (unit: Unit): void => {
          if (unit.kind === "video") attendance.show(unit);
        };
        await runSource(source, report, { accept }, scope.signal);
      })
      .catch((error: unknown) => setPhase("idle", `No picture: ${toFault(error).message}`));
    while (state.desired === "idle" && onlooker.isWanted && !scope.signal.aborted) await changed.promise;
    scope.abort();
    await Promise.race([looking, delay(stopLimitMs)]);
    setPhase("idle", reason);
  }

  async function untilUnwanted(started: number, signal: AbortSignal): Promise<void> {
    while (state.desired === "live" && edition === started && !signal.aborted) await changed.promise;
  }

  return { submit, report, status, run };
}

function refuseIfLate({ command, expiresAt }: CommandRequest): void {
  if (expiresAt !== undefined && nowUs() > expiresAt) {
    throw new Fault("expired", `The command "${command.kind}" came too late and was not carried out.`);
  }
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}
