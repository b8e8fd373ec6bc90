import { readFile } from "node:fs/promises";
import { FlvReader, splitAvcc } from "../../src/media/flv-reader.ts";
import { nalType, typeOf } from "../../src/media/h264.ts";
import type { Status } from "../../src/domain/status.ts";
import { spotConfig, startAppliance, startRobotProcess } from "./appliance.ts";
import type { Appliance, RunningRobot } from "./appliance.ts";
import { judgeRecording, steps } from "./judge.ts";
import type { Verdict } from "./judge.ts";
import { startNginxRtmp } from "./nginx.ts";
import type { NginxOptions, NginxRtmp } from "./nginx.ts";

/** A robot, the product and a server that records `main`, each in a process of its own. */
export interface WholeLine extends AsyncDisposable {
  readonly nginx: NginxRtmp;
  readonly robot: RunningRobot;
  readonly appliance: Appliance;
  /** Ends the product and lets ffmpeg judge the recording of `main`. */
  judge(): Promise<LineVerdict>;
}

export interface LineVerdict extends Verdict {
  /** Milliseconds from each IDR picture (NAL type 5) to the next; the keyframes of ffprobe may be recovery points. */
  readonly idrSteps: readonly number[];
}

export interface LineOptions {
  readonly robot?: Readonly<Record<string, string | number>>;
  /** One that runs already, and goes on running afterwards. */
  readonly robotProcess?: RunningRobot;
  /** Keys of the configuration besides those that point at the robot. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Keys of the group `spot` besides those. */
  readonly spot?: Readonly<Record<string, unknown>>;
  /** Their names are their stream keys; default: main alone. */
  readonly outputs?: readonly string[];
  /** Keys of every output besides its address. */
  readonly output?: Readonly<Record<string, unknown>>;
  readonly nginx?: NginxOptions;
}

export const smallPicture = { width: 640, height: 360, bitrate: 800_000 };

export async function startLine(options: LineOptions = {}): Promise<WholeLine> {
  await using started = new AsyncDisposableStack();
  const nginx = started.use(await startNginxRtmp(options.nginx));
  const robot =
    options.robotProcess ?? started.use(await startRobotProcess({ ...smallPicture, ...options.robot }));
  const config = spotConfig(robot);
  const appliance = started.use(
    await startAppliance({
      ...config,
      spot: { ...(config["spot"] as object), ...options.spot },
      outputs: (options.outputs ?? ["main"]).map((name) => ({
        name,
        url: nginx.url,
        streamKey: name,
        ...options.output,
      })),
      ...options.config,
    }),
  );
  const parts = started.move();
  return {
    nginx,
    robot,
    appliance,
    async judge() {
      await appliance.terminate();
      const file = await nginx.recording("main");
      return { ...(await judgeRecording(file)), idrSteps: await idrSteps(file) };
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** What an ingest and its viewers need of a stream that never ends: the largest gaps, and whether time goes on. */
export function timesOf({ video, audio }: Verdict) {
  const [pictures, sounds] = [steps(video), steps(audio)];
  return {
    leastVideoMs: Math.min(...pictures),
    mostVideoMs: Math.max(...pictures),
    leastAudioMs: Math.min(...sounds),
    mostAudioMs: Math.max(...sounds),
  };
}

async function idrSteps(file: string): Promise<number[]> {
  const times = [...new FlvReader().push(await readFile(file))].flatMap((tag) => {
    if (tag.kind !== "video") return [];
    return splitAvcc(tag.avcc).some((nalu) => typeOf(nalu) === nalType.idr) ? [tag.dtsMs] : [];
  });
  return times.slice(1).map((time, i) => time - (times[i] ?? 0));
}

/** How many pictures were the same one again, at the longest. */
export function longestStill({ numbers }: Pick<Verdict, "numbers">): number {
  let [longest, length] = [0, 0];
  for (const [index, number] of numbers.entries()) {
    length = number !== undefined && number === numbers[index - 1] ? length + 1 : 1;
    longest = Math.max(longest, length);
  }
  return longest;
}

export const isHolding = ({ phase }: Status): boolean => phase === "holding";

/** True once `more` further pictures of the camera have gone out and it is live. */
export async function untilFlowing({ appliance }: WholeLine, more: number): Promise<Status> {
  const { source } = await appliance.until("it is live again", ({ phase }) => phase === "live", 60_000);
  const before = source.counters?.units ?? 0;
  return await appliance.until(
    "the camera's pictures flow",
    ({ phase, source }) => phase === "live" && (source.counters?.units ?? 0) >= before + more,
    60_000,
  );
}

/** Cuts the robot off and brings it back after `seconds`, or later where it takes longer until its fault is told. */
export async function reboot({ robot, appliance }: WholeLine, seconds: number): Promise<Status> {
  const end = performance.now() + seconds * 1000;
  await robot.command({ command: "vanish" });
  await appliance.until("the picture is held", isHolding);
  const told = await appliance.until(
    "the reason names the robot's fault",
    ({ phase, reason, source: { fault } }) =>
      phase === "holding" && fault?.message.includes("robot") === true && reason.includes(fault.message),
    40_000,
  );
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, end - performance.now())));
  await robot.command({ command: "appear" });
  return told;
}
