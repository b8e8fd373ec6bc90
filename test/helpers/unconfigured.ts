import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import { productFile } from "../../src/lib/product-files.ts";
import type { CommandLine } from "../../src/simulator/namespace.ts";
import { freePort } from "./nginx.ts";
import { readOnly } from "./sandbox.ts";

/** A spotlive that nobody has configured yet. Disposal kills it and removes its folder. */
export interface Unconfigured extends AsyncDisposable {
  /** Of its page, without a slash at the end. */
  readonly url: string;
  /** The configuration file that is not there yet. */
  readonly file: string;
  /** Where the service keeps one that it may not write there. */
  readonly ownFile: string;
  readonly socketPath: string;
  /** Everything it wrote, as it wrote it. */
  readonly output: () => string;
  readonly ended: Promise<number | null>;
  terminate(): void;
}

/** `spotlive run` with a configuration file that is not there. */
export async function startUnconfigured(
  environment: Readonly<Record<string, string>> = {},
): Promise<Unconfigured> {
  const directory = await mkdtemp(join(tmpdir(), "spotlive-first-"));
  return await start(directory, environment, (command) => command);
}

/**
 * The same as the packaged unit runs it: it may write into its state directory and not beside its file, whose text
 * `text` is if given. Rejects where the kernel makes nothing read-only.
 */
export async function startAsService(
  text?: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Unconfigured> {
  const directory = await mkdtemp(join(tmpdir(), "spotlive-first-"));
  const [etc, state] = [join(directory, "etc"), join(directory, "state")];
  await mkdir(etc);
  await mkdir(state, { mode: 0o700 });
  if (text !== undefined) await writeFile(join(etc, "spotlive.yaml"), text);
  const enter = await readOnly(etc);
  if (enter === undefined) throw new Error("nothing can be made read-only here");
  return await start(directory, { STATE_DIRECTORY: state, ...environment }, enter);
}

async function start(
  directory: string,
  environment: Readonly<Record<string, string>>,
  enter: (command: CommandLine) => CommandLine,
): Promise<Unconfigured> {
  const [port, file] = [await freePort(), join(directory, "etc", "spotlive.yaml")];
  const socketPath = join(directory, "control.sock");
  const program = productFile("src/spotlive.mjs");
  const [executable, ...argv] = enter([process.execPath, program, "run", "--config", file]);
  const child = spawn(executable, argv, {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      ...{ SPOTLIVE_HTTP_PORT: String(port), SPOTLIVE_SOCKET_PATH: socketPath },
      ...{ SPOTLIVE_STATE_DIRECTORY: join(directory, "state"), ...environment },
    },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (data: Buffer) => (output += data.toString()));
  const ended = once(child, "exit").then(([code]) => code as number | null);
  const url = `http://127.0.0.1:${port}`;
  await vi.waitFor(() => fetch(`${url}/healthz`), 20_000);
  return {
    ...{ url, file, ownFile: join(directory, "state", "spotlive.yaml"), socketPath, ended },
    output: () => output,
    terminate: () => void child.kill("SIGTERM"),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
      await rm(directory, { recursive: true });
    },
  };
}
