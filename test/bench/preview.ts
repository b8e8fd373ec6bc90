import { setTimeout as sleep } from "node:timers/promises";
import { isLive, startAppliance, spotConfig, startRobotProcess } from "../helpers/appliance.ts";
import type { Appliance, RunningRobot } from "../helpers/appliance.ts";
import { startChromium } from "../helpers/chromium.ts";
import { freePort, startNginxRtmp } from "../helpers/nginx.ts";
import type { NginxRtmp } from "../helpers/nginx.ts";
import { startPreviewLine, wallMs, watchPreview } from "../helpers/preview-line.ts";
import { median } from "./measure.ts";
import { ProcessMeter } from "./process-meter.ts";

/** What looking on costs and how soon it shows the picture; milliseconds, CPU-seconds per minute. */
export interface MeasuredPreview {
  readonly cpu: { readonly line: number; readonly viewer: number; readonly windows: readonly Window[] };
  readonly firstPictureMs: Spread;
  /** From a picture's last packet in this process to the page. */
  readonly latencyMs: { readonly live: Spread; readonly smooth: Spread };
  /** Pictures a second that the page showed of 60. */
  readonly shownOf60: number;
}

/** One process that nobody looks at, and one that a browser does, in the same seconds. */
interface Window {
  readonly alone: number;
  readonly viewed: number;
}

interface Spread {
  readonly p50: number;
  readonly p95: number;
}

const windowMs = 20_000;
/** Even: each of the two is looked at as often. */
const turns = 6;
const pageLoads = 100;
const latencyPictures = 300;

export async function measurePreview(): Promise<MeasuredPreview> {
  const cpu = await measureCpu();
  const { firstPictureMs, latencyMs } = await measureTimes();
  return { cpu, firstPictureMs, latencyMs, shownOf60: await measureRate() };
}

/**
 * The product's own process at 1080p30, 8 Mbit/s. Two of them carry one robot's pictures, and the browser looks at one
 * and the other in turns: the one without a viewer has the same browser beside it, which takes the cores' caches.
 */
async function measureCpu(): Promise<MeasuredPreview["cpu"]> {
  await using nginx = await startNginxRtmp();
  await using robot = await startRobotProcess();
  await using one = await startLine(robot, nginx, "one");
  await using another = await startLine(robot, nginx, "another");
  await using chromium = await startChromium();
  for (const line of [one, another]) await line.until("it is live", isLive);
  const windows: Window[] = [];
  await sleep(windowMs / 2);
  for (let turn = 0; turn < turns; turn += 1) {
    const [looked, other] = turn % 2 === 0 ? [one, another] : [another, one];
    const view = await watchPreview(chromium, looked.page);
    await view.untilSeen(150);
    const [viewed, alone] = await Promise.all([cpuPerMinute(looked.pid), cpuPerMinute(other.pid)]);
    windows.push({ alone, viewed });
    await view.page.close();
  }
  return {
    line: median(windows.map(({ alone }) => alone)),
    viewer: median(windows.map(({ alone, viewed }) => viewed - alone)),
    windows,
  };
}

async function startLine(
  robot: RunningRobot,
  nginx: NginxRtmp,
  streamKey: string,
): Promise<Appliance & { readonly page: string }> {
  const port = await freePort();
  const appliance = await startAppliance(
    {
      ...spotConfig(robot),
      outputs: [{ name: "main", url: nginx.url, streamKey }],
      transcode: { allow: false },
      clockWaitSeconds: 0,
      http: { port },
    },
    { environment: { MALLOC_ARENA_MAX: "1" } },
  );
  return { ...appliance, page: `http://127.0.0.1:${port}` };
}

async function cpuPerMinute(pid: number): Promise<number> {
  const meter = new ProcessMeter(pid);
  const begin = performance.now();
  for (let ms = 0; ms < windowMs; ms += 1000) {
    await sleep(1000);
    meter.read();
  }
  return (meter.read().cpuNs / 1e9 / (performance.now() - begin)) * 60_000;
}

async function measureTimes(): Promise<Pick<MeasuredPreview, "firstPictureMs" | "latencyMs">> {
  await using robot = await startRobotProcess();
  await using line = await startPreviewLine(robot);
  await using chromium = await startChromium();
  const loads: number[] = [];
  await line.firstKeyframe;
  for (let load = 0; load < pageLoads; load += 1) {
    const begin = wallMs();
    const view = await watchPreview(chromium, line.url);
    await view.untilSeen(1);
    loads.push(((await view.frames())[0]?.atMs ?? Number.NaN) - begin);
    await view.page.close();
    await sleep(500);
  }
  const latency = async (kind: "live" | "smooth"): Promise<Spread> => {
    const view = await watchPreview(chromium, line.url, kind);
    await view.untilSeen(90 + latencyPictures);
    const frames = (await view.frames()).slice(-latencyPictures);
    await view.page.close();
    return spread(frames.map(({ atMs, rtp }) => atMs - (line.receivedMs.get(rtp ?? -1) ?? Number.NaN)));
  };
  return {
    firstPictureMs: spread(loads),
    latencyMs: { live: await latency("live"), smooth: await latency("smooth") },
  };
}

async function measureRate(): Promise<number> {
  await using robot = await startRobotProcess({ width: 640, height: 360, fps: 60, bitrate: 2_000_000 });
  await using line = await startPreviewLine(robot);
  await using chromium = await startChromium();
  const view = await watchPreview(chromium, line.url, "live");
  await view.untilSeen(700);
  const frames = (await view.frames()).slice(-600);
  await view.page.close();
  const [first, last] = [frames[0], frames.at(-1)];
  return first === undefined || last === undefined ? 0 : (599 * 1000) / (last.atMs - first.atMs);
}

export function formatPreview({ cpu, firstPictureMs, latencyMs, shownOf60 }: MeasuredPreview): string {
  const times = ({ p50, p95 }: Spread): string => `${p50.toFixed(0)} (p95 ${p95.toFixed(0)})`;
  return [
    `The line alone: ${cpu.line.toFixed(2)} CPU-s/min; one viewer more: ${cpu.viewer.toFixed(2)}, ${((cpu.viewer / cpu.line) * 100).toFixed(0)} % of it (expected: at most 50).`,
    `First picture: ${times(firstPictureMs)} ms after the page was asked for (expected: p95 at most 1000).`,
    `Added latency: live ${times(latencyMs.live)} ms, smooth ${times(latencyMs.smooth)} ms (expected: medians of at most 15 and 40).`,
    `Of 60 pictures a second the page showed ${shownOf60.toFixed(1)} (expected: 55 or more).`,
  ].join("\n");
}

function spread(values: readonly number[]): Spread {
  const known = values.filter((value) => !Number.isNaN(value));
  return { p50: percentile(known, 0.5), p95: percentile(known, 0.95) };
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
