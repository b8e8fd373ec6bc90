import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import { productFile } from "../../src/lib/product-files.ts";
import { freePort } from "./nginx.ts";

/** A spotlive that nobody has configured yet. Disposal kills it and removes its folder. */
export interface Unconfigured extends AsyncDisposable {
  /** Of its page, without a slash at the end. */
  readonly url: string;
  /** The configuration file that is not there yet. */
  readonly file: string;
  readonly socketPath: string;
  /** Everything it wrote, as it wrote it. */
  readonly output: () => string;
  readonly ended: Promise<number | null>;
  terminate(): void;
}

/** `spotlive run` with a configuration file that is not there. */
export async function startUnconfigured(environment: Record<string, string> = {}): Promise<Unconfigured> {
  const directory = await mkdtemp(join(tmpdir(), "spotlive-first-"));
  const [port, file] = [await freePort(), join(directory, "etc", "spotlive.yaml")];
  const socketPath = join(directory, "control.sock");
  const child = spawn(process.execPath, [productFile("src/spotlive.mjs"), "run", "--config", file], {
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
    ...{ url, file, socketPath, ended },
    output: () => output,
    terminate: () => void child.kill("SIGTERM"),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
      await rm(directory, { recursive: true });
    },
  };
}
