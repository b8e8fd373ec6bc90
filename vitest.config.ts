import { defineConfig } from "vitest/config";

/** Of their answers one may take longer than the second that `expect.poll` waits by itself. */
const realServers = { testTimeout: 120_000, hookTimeout: 120_000, expect: { poll: { timeout: 20_000 } } };

/** They judge when something happens, or feed several live streams at once: nothing runs beside them. */
const timed = [
  ...["board-proof", "line-hold", "line-remedies", "line-sound", "line-steady", "line-uplink"],
  ...["doctor-bandwidth", "gstreamer-board", "gstreamer-bitrate", "gstreamer-traps"],
  ...["receive-oracle", "uplink", "video-transcode"],
].map((name) => `test/integration/${name}.test.ts`);

export default defineConfig({
  test: {
    // The default leaves one core of two unused.
    maxWorkers: 2,
    // Of tests that run beside each other: each has a robot, a spotlive and a server of its own.
    maxConcurrency: 3,
    projects: [
      // Unit tests change nothing that others would feel: they share their modules, which halves their time.
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          // Property tests try hundreds of inputs, on machines that do other things too.
          testTimeout: 20_000,
          expect: { poll: { timeout: 10_000 } },
          isolate: false,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          exclude: timed,
          sequence: { groupOrder: 1 },
          ...realServers,
        },
      },
      {
        test: {
          name: "timed",
          include: timed,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          ...realServers,
          testTimeout: 240_000,
        },
      },
      {
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          sequence: { groupOrder: 3 },
          ...realServers,
          testTimeout: 180_000,
        },
      },
      // They pack and unpack hundreds of megabytes, and emulate whole machines.
      {
        test: {
          name: "image",
          include: ["test/image/**/*.test.ts"],
          fileParallelism: false,
          sequence: { groupOrder: 4 },
          ...realServers,
        },
      },
    ],
  },
});
