import type { LinkState, Report, StatusEvent } from "../domain/status.ts";
import type { HealthItem } from "../domain/health.ts";
import type { Verdict } from "../domain/verdict.ts";
import type { Log } from "../lib/log.ts";

/** Writes every event as one log line under the part it comes from; counters only at `debug`. */
export function createEventLog(log: Log): Report {
  const parts = new Map<string, Log>();
  const partLog = (part: string): Log => {
    const known = parts.get(part);
    if (known !== undefined) return known;
    const made = log.child({ part });
    parts.set(part, made);
    return made;
  };
  return (event) => write(event, partLog);
}

function write(event: StatusEvent, partLog: (part: string) => Log): void {
  switch (event.type) {
    case "phase":
      partLog("supervisor").info({ phase: event.phase }, event.reason);
      return;
    case "source":
    case "output":
      writeLink(partLog(`${event.type}/${event.name}`), event);
      return;
    case "source-progress":
      partLog(`source/${event.name}`).debug(event.counters, "progress");
      return;
    case "output-progress":
      partLog(`output/${event.name}`).debug(event.counters, "progress");
      return;
    case "output-queue":
      partLog(`output/${event.name}`).debug(event.queue, "queue");
      return;
    case "uplink":
      partLog(`output/${event.name}`).debug(event.uplink, "uplink");
      return;
    case "verdict":
      writeVerdict(partLog("verdict"), event.verdict);
      return;
    case "path":
      partLog("session").warn({ path: event.path }, event.reason);
      return;
    case "hold":
      partLog("session")[event.holding ? "warn" : "info"](event.reason);
      return;
    case "rate":
      partLog("rate").info({ target: event.rate.target }, event.rate.reason);
      return;
    case "picture":
      partLog("session").info(`The picture is ${event.width}x${event.height}, ${event.profile}.`);
      return;
    case "settings": {
      const { destinations, bitrateCap, audio } = event.settings;
      partLog("supervisor").info({ destinations, bitrateCap, audio }, "The settings were changed.");
      return;
    }
    case "lock":
      partLog("supervisor").warn(
        { by: event.by },
        event.locked ? "The camera was locked." : "The camera was unlocked.",
      );
      return;
    case "camera":
      partLog("camera").debug(event.camera, "camera");
      return;
    case "health":
      partLog("health").debug(event.health, "health");
      for (const item of event.changed) writeHealth(partLog("health"), item);
      return;
    case "boot-mark":
      partLog("boot").info({ mark: event.name }, `boot mark ${event.name} ${event.seconds.toFixed(1)} s`);
      return;
    case "notice":
      partLog(event.part)[event.severity === "warning" ? "warn" : "info"](event.text);
      return;
  }
}

/** The verdict with its reasons; what is in order only where nothing else is to be said. */
function writeVerdict(log: Log, { kind, destination, findings }: Verdict): void {
  const broken = findings.filter(({ remedy }) => remedy !== undefined);
  const reasons = (broken.length > 0 ? broken : findings).map(({ text }) => text).join(" ");
  log[broken.length > 0 ? "warn" : "info"]({ verdict: kind }, `For ${destination}: ${kind}. ${reasons}`);
}

/** Only what has changed is said. */
function writeHealth(log: Log, { name, kind, level, shown, advice }: HealthItem): void {
  const text = `${capital(name)}: ${shown}${advice === "" ? ", which is well again." : `. ${advice}`}`;
  log[level === "critical" ? "error" : level === "warning" ? "warn" : "info"]({ kind, level }, text);
}

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

const words: Readonly<Record<LinkState, string>> = {
  idle: "Stopped.",
  connecting: "Connecting.",
  running: "Running.",
  waiting: "Waiting to try again.",
  failed: "Failed for good; it is tried again at the next start.",
};

function writeLink(log: Log, event: Extract<StatusEvent, { type: "source" | "output" }>): void {
  const { state, fault, retryInMs } = event;
  if (fault === undefined) log.info({ state }, words[state]);
  else log[state === "failed" ? "error" : "warn"]({ state, code: fault.code, retryInMs }, fault.message);
}
