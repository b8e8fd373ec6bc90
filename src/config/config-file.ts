import { stat } from "node:fs/promises";
import { Fault, toFault } from "../domain/fault.ts";
import { readFileIfThere, writeFileAtomic } from "../lib/atomic-file.ts";
import { parseChanges } from "./change-config.ts";
import type { ConfigProblem } from "./change-config.ts";
import type { Config } from "./config.ts";
import { findPlace, whatToDo, whyNotWritable } from "./config-place.ts";
import { describeConfig } from "./describe-config.ts";
import type { GroupDescription } from "./describe-config.ts";
import { editYaml } from "./edit-yaml.ts";
import { forgetSecrets } from "./environment.ts";
import type { Environment } from "./environment.ts";
import { firstRunConfig, withPage } from "./first-run.ts";
import { checkConfig, groups, loadConfig } from "./load.ts";
import { Findings } from "./problems.ts";
import { secretsIn } from "./secret-files.ts";

export interface ConfigFileDescription {
  readonly path: string;
  /** Whether this process may write it. */
  readonly writable: boolean;
  /** Why it may not, and what a person does instead. */
  readonly advice?: string;
  readonly groups: readonly GroupDescription[];
}

/** The configuration file of a spotlive that runs: what it says now, and changes to it, which count from the next start on. */
export interface ConfigFile {
  readonly path: string;
  exists(): Promise<boolean>;
  /** What spotlive runs with while there is no file yet: see `firstRunConfig`. */
  firstRun(): Promise<Config>;
  /** The configuration as it is now, with the environment that spotlive was started with. Rejects as `loadConfig` does. */
  load(): Promise<Config>;
  describe(): Promise<ConfigFileDescription>;
  /**
   * Writes a change if the configuration is right with it as a whole, `isFit` being what only others can judge; gives
   * what is wrong otherwise, and then nothing was written. Rejects with a `Fault` where the file cannot be written.
   */
  change(given: unknown, isFit: Judge): Promise<readonly ConfigProblem[]>;
}

export type Judge = (config: Config) => ConfigProblem | undefined;

/**
 * Opens the file at its place (`findPlace`). Keeps the environment, and takes the secrets out of the one that children
 * inherit.
 */
export async function openConfigFile(
  path?: string,
  environment: Environment = process.env,
): Promise<ConfigFile> {
  const kept = { ...environment };
  forgetSecrets(groups, environment);
  return new OpenedFile(path, await findPlace(path, kept), kept);
}

class OpenedFile implements ConfigFile {
  readonly path: string;
  readonly #named: string | undefined;
  readonly #environment: Environment;
  /** Changes come one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(named: string | undefined, path: string, environment: Environment) {
    this.path = path;
    this.#named = named;
    this.#environment = environment;
  }

  async exists(): Promise<boolean> {
    return (await stat(this.path).catch(() => undefined)) !== undefined;
  }

  async load(): Promise<Config> {
    const place = (await this.exists()) ? this.path : this.#named;
    return await loadConfig(place, { ...this.#environment });
  }

  firstRun(): Promise<Config> {
    return firstRunConfig(this.#environment);
  }

  async describe(): Promise<ConfigFileDescription> {
    const groups = describeConfig(await this.#read(), this.path, { ...this.#environment });
    const reason = await whyNotWritable(this.path);
    const advice = reason !== undefined && { advice: whatToDo(this.path, reason, this.#environment) };
    return { path: this.path, writable: reason === undefined, ...advice, groups };
  }

  change(given: unknown, isFit: Judge): Promise<readonly ConfigProblem[]> {
    const changed = this.#last.then(() => this.#change(given, isFit));
    this.#last = changed.catch(() => {});
    return changed;
  }

  async #change(given: unknown, isFit: Judge): Promise<readonly ConfigProblem[]> {
    const reason = await whyNotWritable(this.path);
    if (reason !== undefined)
      throw new Fault("not-supported", whatToDo(this.path, reason, this.#environment));
    const before = await this.#read();
    const keys = describeConfig(before, this.path, { ...this.#environment }).flatMap(({ keys }) => keys);
    const isSet = (path: string): boolean => {
      const key = keys.find((key) => key.path === path);
      return key !== undefined && (key.isSet ?? key.value !== null);
    };
    const wanted = (await this.exists()) ? given : withPage(given, this.#environment);
    const { changes, problems } = parseChanges(wanted, this.#environment, isSet);
    if (problems.length > 0) return problems;
    const edited = editYaml(before, changes);
    if ("problems" in edited) return edited.problems;
    const wrong = await this.#whatIsWrong(edited.text, isFit);
    if (wrong.length === 0) await this.#write(edited.text);
    return wrong;
  }

  async #whatIsWrong(text: string, isFit: Judge): Promise<readonly ConfigProblem[]> {
    const findings = new Findings(this.path);
    try {
      const problem = isFit(await checkConfig(text, { ...this.#environment }, findings));
      return problem === undefined ? [] : [problem];
    } catch (error) {
      if (findings.problems.length === 0) throw error;
      return findings.problems.map(({ path = "", text }) => ({ path, text }));
    }
  }

  async #read(): Promise<string> {
    try {
      return (await readFileIfThere(this.path)) ?? "";
    } catch (error) {
      throw toFault(error, "config-invalid", `The configuration file ${this.path} cannot be read`);
    }
  }

  /** A file with a secret in it is nobody else's to read, whoever could before. */
  async #write(text: string): Promise<void> {
    try {
      const before = await stat(this.path).catch(() => undefined);
      const isOpen = before !== undefined && secretsIn(text, {}).inline.length === 0;
      await writeFileAtomic(this.path, text, { mode: isOpen ? before.mode & 0o777 : 0o600 });
    } catch (error) {
      throw toFault(error, "not-supported", `${this.path} cannot be written`);
    }
  }
}
