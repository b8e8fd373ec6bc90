import { setImmediate } from "node:timers/promises";
import { expect, it } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import type { FaultCode } from "../../../src/domain/fault.ts";
import { runSource } from "../../../src/supervisor/run-source.ts";

/** Attempts of a source that fails so each time, in no time at all. */
async function attemptsOf(code: FaultCode): Promise<number> {
  const life = new AbortController();
  let attempts = 0;
  const source = {
    name: "camera",
    requestKeyframe: () => {},
    run: () => {
      attempts += 1;
      return Promise.reject(new Fault(code, "It is not there."));
    },
    // The cable is plugged in once.
    awaitLink: () => (attempts === 1 ? Promise.resolve() : new Promise<void>(() => {})),
  };
  const running = runSource(source, () => {}, { accept: () => {} }, life.signal);
  await setImmediate();
  life.abort();
  await running;
  return attempts;
}

it("tries again at once when the way to the camera is there again", async () => {
  expect(await attemptsOf("robot-unreachable")).toBe(2);
});

it("does not hurry where the camera itself is what is wrong", async () => {
  expect(await attemptsOf("source-stalled")).toBe(1);
});
