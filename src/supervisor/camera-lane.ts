import type { CameraAction, CameraControl } from "../domain/camera.ts";
import { Fault } from "../domain/fault.ts";
import type { Report } from "../domain/status.ts";
import { childSignal, untilAborted } from "../lib/signals.ts";

const actionMs = 10_000;
/** More than this many waiting moves are refused: nobody wants to see them carried out later. */
const mostWaiting = 4;

/** Carries out camera actions one after the other, apart from all other commands. */
export class CameraLane {
  readonly #camera: CameraControl | undefined;
  readonly #report: Report;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  readonly #life = new AbortController();

  constructor(camera: CameraControl | undefined, report: Report) {
    this.#camera = camera;
    this.#report = report;
  }

  /** Resolves when the lane is empty after the abort; actions that run are cut short. */
  async run(signal: AbortSignal): Promise<void> {
    await untilAborted(signal);
    this.#life.abort();
    await this.#last;
  }

  /** `check` is called when the action's turn has come; what it throws refuses the action. */
  async act(action: CameraAction, check: () => void): Promise<void> {
    const camera = this.#camera;
    if (camera === undefined) throw new Fault("not-supported", "This camera cannot be controlled.");
    if (this.#waiting >= mostWaiting) {
      throw new Fault("rate-limited", "The camera is still busy with earlier moves; ask again in a moment.");
    }
    await this.#inTurn(async (signal) => {
      check();
      this.#report({ type: "camera", camera: await camera.act(action, signal) });
    });
  }

  /** Reads what the camera can do and where it looks; a camera that does not answer is asked again next time. */
  refresh(): void {
    const camera = this.#camera;
    if (camera === undefined || this.#waiting >= mostWaiting) return;
    this.#inTurn(async (signal) => {
      this.#report({ type: "camera", camera: await camera.read(signal) });
    }).catch(() => {}); // the source tells what is wrong with the robot
  }

  #inTurn(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.#waiting += 1;
    const done = this.#last.then(async () => {
      using scope = childSignal(this.#life.signal);
      const timer = setTimeout(scope.abort, actionMs);
      try {
        await work(scope.signal);
      } finally {
        clearTimeout(timer);
      }
    });
    this.#last = done.catch(() => {}).finally(() => (this.#waiting -= 1));
    return done;
  }
}
