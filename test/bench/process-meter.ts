import { readdirSync, readFileSync } from "node:fs";

/** What one process has used since the meter was made. */
export interface Usage {
  /** Scheduler time of all its threads, nanoseconds: exact, unlike the ticks of `/proc/PID/stat`. */
  readonly cpuNs: number;
  /** How often one of its threads was put on a core. */
  readonly turns: number;
}

interface Thread {
  ns: number;
  turns: number;
}

/**
 * Adds up `/proc/PID/task`: each thread's `schedstat`. A thread that ends takes its figures with it, so `read` is called every second
 * and what was seen once stays counted. Throws when the process has ended.
 */
export class ProcessMeter {
  readonly #pid: number;
  #threads = new Map<string, Thread>();
  #cpuNs = 0;
  #turns = 0;

  constructor(pid: number) {
    this.#pid = pid;
    this.#threads = this.#readThreads();
  }

  read(): Usage {
    const now = this.#readThreads();
    for (const [id, { ns, turns }] of now) {
      const before = this.#threads.get(id);
      const isSame = before !== undefined && before.ns <= ns; // otherwise the number was given to a new thread
      this.#cpuNs += isSame ? ns - before.ns : ns;
      this.#turns += isSame ? turns - before.turns : turns;
    }
    this.#threads = now;
    return { cpuNs: this.#cpuNs, turns: this.#turns };
  }

  /** The most memory that was resident at one moment since the process began, bytes. */
  get peakRssBytes(): number {
    const status = readFileSync(`/proc/${this.#pid}/status`, "latin1");
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }

  #readThreads(): Map<string, Thread> {
    const threads = new Map<string, Thread>();
    for (const id of readdirSync(`/proc/${this.#pid}/task`)) {
      const text = readSchedstat(`/proc/${this.#pid}/task/${id}/schedstat`);
      const [ns, , turns] = text.split(" ").map(Number);
      if (ns !== undefined && turns !== undefined) threads.set(id, { ns, turns });
    }
    return threads;
  }
}

function readSchedstat(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return ""; // the thread ended between the listing and now
  }
}
