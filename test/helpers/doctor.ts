import { openRoot } from "../../src/boards/root.ts";
import type { ProgramAnswer } from "../../src/boards/run-program.ts";
import type { Check, Finding } from "../../src/verbs/doctor/check.ts";
import type { DoctorContext } from "../../src/verbs/doctor/context.ts";

/** What a program prints, or why it did not; by the command line, of which the beginning is enough. */
export type FakePrograms = Readonly<Record<string, string | ProgramAnswer>>;

export interface FakeMachine {
  /** Its files. */
  readonly directory?: string;
  /** Whether they are to be taken for those of this machine. */
  readonly isHere?: boolean;
  readonly programs?: FakePrograms;
  readonly config?: DoctorContext["config"];
  readonly configPath?: string;
}

/** What the checks of the doctor are given, with nothing real in it. */
export function fakeContext(machine: FakeMachine): DoctorContext {
  const { directory = "/nowhere", isHere = false, programs = {}, config, configPath } = machine;
  return {
    root: { ...openRoot(directory), isThisMachine: isHere },
    config,
    problem: undefined,
    configPath,
    stateDirectory: "/var/lib/spotlive",
    run: (program, argv) => {
      const asked = [program, ...argv].join(" ");
      const key = Object.keys(programs).find((key) => asked.startsWith(key));
      const answer = key === undefined ? undefined : programs[key];
      if (answer === undefined) return Promise.resolve({ kind: "missing", text: `${program} is missing.` });
      if (typeof answer !== "string") return Promise.resolve(answer);
      return Promise.resolve({ kind: "ended", output: Buffer.from(answer) });
    },
    whyNoGstreamer: () => Promise.resolve("The add-on is not there."),
  };
}

/** What one of these checks finds. */
export async function findingsOf(checks: readonly Check[], id: string): Promise<readonly Finding[]> {
  const check = checks.find((check) => check.id === id);
  if (check === undefined) throw new Error(`There is no check ${id}.`);
  return check.run(new AbortController().signal);
}

export async function findingOf(checks: readonly Check[], id: string, finding = id): Promise<Finding> {
  const found = (await findingsOf(checks, id)).find(({ id }) => id === finding);
  if (found === undefined) throw new Error(`There is no finding ${finding}.`);
  return found;
}
