import { setTimeout as sleep } from "node:timers/promises";
import type { Status } from "../../src/domain/status.ts";
import type { LoggedFrame } from "../../src/simulator/robot/frame-log.ts";
import { openUplink } from "../../src/simulator/uplink.ts";
import type { Uplink, UplinkOptions } from "../../src/simulator/uplink.ts";
import { spotConfig, startAppliance, startRobotProcess } from "./appliance.ts";
import type { Appliance, RunningRobot } from "./appliance.ts";
import { watchGrowth } from "./delivery.ts";
import type { CameraLog, Growth } from "./delivery.ts";
import { startNginxRtmp } from "./nginx.ts";
import type { NginxRtmp } from "./nginx.ts";

export interface UplinkLineOptions {
  readonly robot?: Readonly<Record<string, string | number>>;
  readonly link?: UplinkOptions["link"];
  /** What the uplink carries at first, bits per second. */
  readonly rate?: number;
  /** A second destination, called `near`, before the uplink. */
  readonly near?: "nginx";
}

/** What the status said at one moment. */
export interface Sample {
  /** `performance.now()`. */
  readonly atMs: number;
  readonly status: Status;
}

/** Robot and appliance on this side of an uplink of their own, nginx on the other; the output is called `main`. */
export interface UplinkLine extends AsyncDisposable {
  readonly uplink: Uplink;
  readonly nginx: NginxRtmp;
  readonly near: NginxRtmp | undefined;
  readonly robot: RunningRobot;
  readonly appliance: Appliance;
  /** What the status said ten times a second, oldest first. */
  readonly samples: readonly Sample[];
  /** How nginx's recording grew. */
  readonly growth: readonly Growth[];
  cameraLog(): Promise<CameraLog>;
  /** Connections that nginx has taken since it began. */
  connections(): Promise<number>;
}

export const outputName = "main";
const sampleMs = 100;
const clockQuestions = 10;
/** As in the appliance's image. */
const notSentLowWater = 32_768;

export async function openUplinkLine(options: UplinkLineOptions = {}): Promise<UplinkLine> {
  await using stack = new AsyncDisposableStack();
  const life = new AbortController();
  const { link, rate } = options;
  const uplink = stack.use(await openUplink(link === undefined ? {} : { link }, life.signal));
  await uplink.setSysctl("net.ipv4.tcp_notsent_lowat", notSentLowWater);
  await uplink.setCongestionControl("cubic");
  await uplink.setRate(rate);
  const nginx = stack.use(await startNginxRtmp({ enter: uplink.far, listen: uplink.farAddress }));
  const robot = stack.use(await startRobotProcess(options.robot, uplink.near));
  const near =
    options.near === undefined ? undefined : stack.use(await startNginxRtmp({ enter: uplink.near }));
  const main = { name: outputName, url: nginx.url, streamKey: outputName };
  const appliance = stack.use(
    await startAppliance(
      {
        ...spotConfig(robot),
        outputs: near === undefined ? [main] : [main, { name: "near", url: near.url, streamKey: "near" }],
      },
      { enter: uplink.near },
    ),
  );
  const samples: Sample[] = [];
  const growth = watchGrowth(nginx.fileOf(outputName), life.signal);
  stack.defer(() => life.abort());
  void (async () => {
    while (!life.signal.aborted) {
      const status = await appliance.status().catch(() => undefined);
      if (status !== undefined) samples.push({ atMs: performance.now(), status });
      await sleep(sampleMs);
    }
  })();
  const held = stack.move();
  return {
    uplink,
    nginx,
    near,
    robot,
    appliance,
    samples,
    growth,
    async cameraLog() {
      const { frames } = await robot.command({ command: "frames" });
      return { frames: frames as LoggedFrame[], ...(await compareClocks(robot)) };
    },
    async connections() {
      return Number(/<naccepted>(\d+)</.exec(await nginx.stat())?.[1]);
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** Asks the robot for the time again and again: the quickest answer tells best. */
async function compareClocks(robot: RunningRobot): Promise<Omit<CameraLog, "frames">> {
  let best = { aheadMs: 0, errorMs: Infinity };
  for (let n = 0; n < clockQuestions; n += 1) {
    const askedMs = performance.now();
    const { clockUs } = await robot.command({ command: "counters" });
    const errorMs = (performance.now() - askedMs) / 2;
    if (errorMs < best.errorMs) best = { aheadMs: askedMs + errorMs - Number(clockUs) / 1000, errorMs };
  }
  return best;
}
