import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { AudioUnit, Source, Unit, VideoUnit } from "../../src/domain/media.ts";
import type { StatusEvent } from "../../src/domain/status.ts";
import { Fault } from "../../src/domain/fault.ts";

export interface Collected {
  readonly pictures: readonly VideoUnit[];
  readonly sounds: readonly AudioUnit[];
  /** Why the source ended; undefined when it was stopped. */
  readonly fault: Fault | undefined;
}

/** Runs a source until `enough` says so of what has come, or until it ends by itself. */
export async function collect(
  source: Source,
  enough: (pictures: readonly VideoUnit[]) => boolean = () => false,
): Promise<Collected> {
  const stop = new AbortController();
  const pictures: VideoUnit[] = [];
  const sounds: AudioUnit[] = [];
  const take = (unit: Unit): void => {
    if (unit.kind === "video") pictures.push(unit);
    else sounds.push(unit);
    if (enough(pictures)) stop.abort();
  };
  const fault = await source.run(take, stop.signal).then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof Fault) return error;
      throw error;
    },
  );
  return { pictures, sounds, fault };
}

/** Keeps the events of a part; `notices()` gives the texts of its notices. */
export function recordEvents(): {
  report(event: StatusEvent): void;
  events: StatusEvent[];
  notices(): string[];
} {
  const events: StatusEvent[] = [];
  return {
    events,
    report: (event) => void events.push(event),
    notices: () => events.flatMap((event) => (event.type === "notice" ? [event.text] : [])),
  };
}

/** Runs ffmpeg to its end and gives its standard output. */
export async function ffmpeg(argv: readonly string[], input?: Uint8Array): Promise<Buffer> {
  const running = promisify(execFile)("ffmpeg", ["-hide_banner", "-loglevel", "error", "-y", ...argv], {
    encoding: "buffer",
    maxBuffer: 2 ** 28,
  });
  running.child.stdin?.on("error", () => {}).end(input);
  const { stdout, stderr } = await running;
  if (stderr.length > 0) throw new Error(`ffmpeg complained: ${stderr.toString()}`);
  return stdout;
}
