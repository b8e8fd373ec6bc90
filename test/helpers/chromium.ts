import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import type { CommandLine } from "../../src/simulator/namespace.ts";
import { speakDevtools, type Command } from "./devtools.ts";
import { endProcessTree } from "./processes.ts";

/** A page of a browser without a window. */
export interface Page {
  /** Closes it as a person would, or as a crash. */
  close(): Promise<void>;
  /** The value of a JavaScript expression, which may be a promise; what it throws is thrown here. */
  evaluate<Result>(expression: string): Promise<Result>;
  /** PNG of the rectangle that the first element of this selector takes, pixel by pixel. */
  screenshot(selector: string): Promise<Buffer>;
}

/** A real Chromium in a fresh profile. Disposal ends all its processes by their ids and removes the profile. */
export interface Chromium extends AsyncDisposable {
  readonly pid: number;
  /** Where it keeps everything. */
  readonly profile: string;
  /** For example `HeadlessChrome/156.0.8078.79`. */
  readonly version: string;
  /** Opens the address and gives the page once it has loaded. `bypassPolicy`: its content security policy does not count. */
  open(url: string, options?: { readonly bypassPolicy?: boolean }): Promise<Page>;
}

/** The programs themselves: the scripts before them stay as processes in between. */
const programs = [
  "/usr/lib/chromium/chromium-headless-shell",
  "/usr/lib/chromium/chromium",
  "/opt/google/chrome/chrome",
];

/** The Chromium of this machine. */
export const program = programs.find((path) => existsSync(path));

/** For `describe.skipIf`: Ubuntu has Chromium only as a snap, so somebody's own machine may lack one. CI may not. */
export const isWithoutChromium = program === undefined && process.env["CI"] === undefined;

export const options = [
  ...["--headless", "--disable-gpu", "--mute-audio", "--window-size=1920,1080"],
  // The shared memory of a container is often too small.
  "--disable-dev-shm-usage",
  ...["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  ...["--disable-quic", "--disable-breakpad", "--disable-extensions"],
  "--allow-loopback-in-peer-connection",
  ...["--disable-background-timer-throttling", "--disable-renderer-backgrounding"],
];

/** Starts it, in a network namespace if `enter` puts it there. */
export async function startChromium(
  enter = (command: CommandLine): CommandLine => command,
): Promise<Chromium> {
  if (program === undefined) {
    throw new Error(`no Chromium at ${programs.join(", ")}: apt-get install chromium-headless-shell`);
  }
  const profile = await mkdtemp(join(tmpdir(), "spotlive-chromium-"));
  const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : []; // root has none in Chromium
  const pipe = ["--remote-debugging-pipe", "--no-startup-window", `--user-data-dir=${profile}`];
  const [executable, ...argv] = enter([program, ...options, ...sandbox, ...pipe]);
  const child = spawn(executable, argv, {
    // Whatever it writes elsewhere goes into the profile too.
    env: {
      ...process.env,
      HOME: profile,
      TMPDIR: profile,
      XDG_CONFIG_HOME: profile,
      XDG_CACHE_HOME: profile,
    },
    // It ends by itself when its pipe closes, should this process be killed.
    stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"],
  });
  child.on("error", () => {}); // told by the pipe
  let complaints = "";
  child.stderr?.on("data", (bytes: Buffer) => (complaints = (complaints + bytes.toString()).slice(-4000)));
  const command = speakDevtools(child.stdio[3] as Writable, child.stdio[4] as Readable);

  const dispose = async (): Promise<void> => {
    await endProcessTree(child);
    await rm(profile, { recursive: true, force: true });
  };
  try {
    const { product } = await command<{ product: string }>("Browser.getVersion");
    return {
      pid: child.pid ?? 0,
      profile,
      version: product,
      open: (url, options) => openPage(command, url, options?.bypassPolicy ?? false),
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw new Error(`Chromium did not start: ${complaints}`, { cause: error });
  }
}

interface Evaluated<Result> {
  readonly result: { readonly value: Result };
  readonly exceptionDetails?: {
    readonly text: string;
    readonly exception?: { readonly description?: string };
  };
}

interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

async function openPage(command: Command, url: string, bypassPolicy: boolean): Promise<Page> {
  const target = await command<{ targetId: string }>("Target.createTarget", { url: "about:blank" });
  const attach = { targetId: target.targetId, flatten: true };
  const { sessionId } = await command<{ sessionId: string }>("Target.attachToTarget", attach);
  const ask: Command = (method, parameters) => command(method, parameters, sessionId);
  await ask("Inspector.enable");
  if (bypassPolicy) await ask("Page.setBypassCSP", { enabled: true });

  const evaluate = async <Result>(expression: string): Promise<Result> => {
    const options = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await ask<Evaluated<Result>>("Runtime.evaluate", options);
    if (exceptionDetails === undefined) return result.value;
    throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  };

  const { errorText } = await ask<{ errorText?: string }>("Page.navigate", { url });
  if (errorText !== undefined) throw new Error(`${url}: ${errorText}`);
  await evaluate(
    "document.readyState === 'complete' || new Promise((done) => addEventListener('load', done))",
  );
  return {
    evaluate,
    close: () => command("Target.closeTarget", { targetId: target.targetId }),
    async screenshot(selector) {
      const box = `document.querySelector(${JSON.stringify(selector)}).getBoundingClientRect().toJSON()`;
      const { x, y, width, height } = await evaluate<Rectangle>(box);
      const clip = { x, y, width, height, scale: 1 };
      const { data } = await ask<{ data: string }>("Page.captureScreenshot", { format: "png", clip });
      return Buffer.from(data, "base64");
    },
  };
}
