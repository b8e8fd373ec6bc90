/** Microseconds on this process's monotonic clock; unrelated to the time of day, never jumps. */
export function nowUs(): number {
  return Math.round(performance.now() * 1000);
}
