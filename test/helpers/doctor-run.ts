import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "vitest";
import type { CommandLine } from "../../src/simulator/namespace.ts";
import type { Finding } from "../../src/verbs/doctor/check.ts";
import type { DoctorResult } from "../../src/verbs/doctor/report.ts";

const run = promisify(execFile);
const program = fileURLToPath(new URL("../../src/spotlive.mjs", import.meta.url));

/** A stream key that must never be seen. */
export const key = "live_9_canary";

export interface Examined extends DoctorResult {
  readonly code: number;
  readonly output: string;
  finding(id: string): Finding;
}

/** How a run ended, and all that it said. */
export interface Invoked {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Examination {
  readonly source?: object;
  readonly output?: object;
  readonly args?: readonly string[];
  readonly enter?: (command: CommandLine) => CommandLine;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the doctor on configurations of its own, each with one output. Disposal removes its folder. */
export interface Practice extends AsyncDisposable {
  /** Holds the configurations, and the stream key in the file `key`. */
  readonly directory: string;
  /** Runs `spotlive doctor --json` to its end. */
  invoke(examination: Examination): Promise<Invoked>;
  /** The same, with the findings that it printed; it must have ended with the exit status that goes with them. */
  examine(examination: Examination): Promise<Examined>;
}

export async function openPractice(): Promise<Practice> {
  const directory = await mkdtemp(join(tmpdir(), "spotlive-doctor-"));
  await writeFile(join(directory, "key"), key, { mode: 0o600 });
  let count = 0;

  async function invoke({ source, output, args = [], enter, env }: Examination): Promise<Invoked> {
    count += 1;
    const path = join(directory, `${count}.yaml`);
    const config = {
      ...{ source: "file", file: { path: "/nowhere" }, stateDirectory: directory, ...source },
      outputs:
        output === undefined ? [] : [{ name: "main", streamKeyFile: join(directory, "key"), ...output }],
    };
    await writeFile(path, JSON.stringify(config), { mode: 0o600 });
    const command: CommandLine = [process.execPath, program, "doctor", "--json", "--config", path, ...args];
    const [file, ...argv] = enter?.(command) ?? command;
    return run(file, argv, { env: { ...process.env, ...env } }).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      (error: Invoked) => error,
    );
  }

  return {
    directory,
    invoke,
    async examine(examination) {
      const { code, stdout, stderr } = await invoke(examination);
      const result = JSON.parse(stdout) as DoctorResult;
      expect(code).toBe(result.findings.some(({ verdict }) => verdict === "wrong") ? 1 : 0);
      const finding = (id: string): Finding => {
        const found = result.findings.find((finding) => finding.id === id);
        if (found === undefined) throw new Error(`There is no finding ${id} in ${stdout}`);
        return found;
      };
      return { ...result, code, output: stdout + stderr, finding };
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}
