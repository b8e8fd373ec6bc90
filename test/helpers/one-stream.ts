import { expect } from "vitest";
import type { timesOf } from "./line.ts";

/** An ingest sees nothing but a stream that goes on. */
export function expectOneStream(times: ReturnType<typeof timesOf>): void {
  expect(times.leastVideoMs).toBeGreaterThan(0);
  expect(times.mostVideoMs).toBeLessThan(100);
  expect(times.leastAudioMs).toBeGreaterThan(0);
  expect(times.mostAudioMs).toBeLessThan(60);
}

/**
 * Every HLS segment is 2 s long; that in which the camera comes back may be longer by the time that its IDR takes which
 * was asked for when the 2 s were full, or by which it comes later than the one that it would have been.
 */
export function expectSteadySegments(segments: readonly number[], returns: number): void {
  const all = segments.join(" ");
  expect(segments.filter((seconds) => Math.abs(seconds - 2) > 0.01).length, all).toBeLessThanOrEqual(returns);
  expect(Math.min(...segments), all).toBeGreaterThan(1.98);
  expect(Math.max(...segments), all).toBeLessThan(2.2);
}
