import { describe, expect, it } from "vitest";
import type { CameraAction } from "../../../../src/domain/camera.ts";
import { createMover, dragToMove, pauseMs } from "../../../../src/web/model/mover.ts";
import type { Mover } from "../../../../src/web/model/mover.ts";

interface Line {
  readonly mover: Mover;
  readonly sent: CameraAction[];
  readonly refusals: unknown[];
  /** The camera answers the oldest action. */
  answer(error?: Error): Promise<void>;
  /** The pause after an action is over. */
  pause(): Promise<void>;
}

function start(): Line {
  const sent: CameraAction[] = [];
  const refusals: unknown[] = [];
  const answers: ((error?: Error) => void)[] = [];
  const pauses: (() => void)[] = [];
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  };
  const mover = createMover({
    send(action) {
      sent.push(action);
      return new Promise((resolve, reject) =>
        answers.push((error) => (error === undefined ? resolve() : reject(error))),
      );
    },
    onRefused: (error) => refusals.push(error),
    after: (ms, callback) => {
      expect(ms).toBe(pauseMs);
      pauses.push(callback);
    },
  });
  return {
    ...{ mover, sent, refusals },
    answer(error) {
      answers.shift()?.(error);
      return settle();
    },
    pause() {
      pauses.shift()?.();
      return settle();
    },
  };
}

describe("moving the camera", () => {
  it("sends the first move at once, and what comes meanwhile as one", async () => {
    const { mover, sent, answer, pause } = start();
    mover.move({ pan: 1 });
    for (let count = 0; count < 30; count += 1) mover.move({ pan: 1, tilt: -0.5, zoom: 1.01 });
    expect(sent).toEqual([{ kind: "look", pan: 1, tilt: 0, zoom: 1 }]);
    await answer();
    expect(sent).toHaveLength(1);
    await pause();
    expect(sent.slice(1)).toEqual([{ kind: "look", pan: 30, tilt: -15, zoom: 1.35 }]);
  });

  it("never has two actions under way", async () => {
    const { mover, sent, pause } = start();
    mover.move({ pan: 1 });
    mover.move({ pan: 1 });
    await pause();
    expect(sent).toHaveLength(1);
  });

  it("forgets what was wanted when the camera refuses, and goes on with what comes then", async () => {
    const { mover, sent, refusals, answer, pause } = start();
    mover.move({ pan: 1 });
    mover.move({ pan: 40 });
    const error = new Error("not now");
    await answer(error);
    await pause();
    expect(refusals).toEqual([error]);
    expect(sent).toHaveLength(1);
    mover.move({ pan: 2 });
    expect(sent.slice(1)).toEqual([{ kind: "look", pan: 2, tilt: 0, zoom: 1 }]);
  });

  it("keeps within what a command may say", () => {
    const { mover, sent } = start();
    mover.move({ pan: -900, tilt: 900, zoom: 1e9 });
    expect(sent).toEqual([{ kind: "look", pan: -180, tilt: 180, zoom: 10 }]);
  });

  it("does not send what is no move", () => {
    const { mover, sent } = start();
    mover.move({ pan: 0.01 });
    expect(sent).toEqual([]);
  });
});

describe("a drag", () => {
  it("turns the camera against it, less the more it is zoomed in", () => {
    const wide = dragToMove({ x: 100, y: 50 }, { width: 1000, zoom: 1 });
    const near = dragToMove({ x: 100, y: 50 }, { width: 1000, zoom: 4 });
    expect(wide.pan).toBeCloseTo(-6.2);
    expect(wide.tilt).toBeCloseTo(3.1);
    expect(near.pan).toBeCloseTo(-1.55);
  });
});
