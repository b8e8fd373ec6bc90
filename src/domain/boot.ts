/** What a device reaches after power-on, in this order. */
export const bootMarkNames = [
  "kernel",
  "adopted",
  "ready",
  "robot",
  "first-packet",
  "rtmp-accepted",
] as const;
export type BootMarkName = (typeof bootMarkNames)[number];

/** When each was reached first since power-on: seconds since the kernel started. */
export type BootMarks = Readonly<Partial<Record<BootMarkName, number>>>;
