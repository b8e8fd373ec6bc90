import { openRoot } from "../../boards/root.ts";
import { createRunProgram } from "../../boards/run-program.ts";
import { whyNoGstreamer } from "../../transcode/gstreamer-process.ts";
import { secretsOf } from "../../config/build.ts";
import type { Config } from "../../config/config.ts";
import { loadConfig } from "../../config/load.ts";
import { stateDirectoryToUse } from "../../config/paths.ts";
import { Fault, toFault } from "../../domain/fault.ts";
import { createMask } from "../../lib/log.ts";
import type { Mask } from "../../lib/log.ts";
import { bandwidthCheck } from "./bandwidth.ts";
import { boardChecks, recognise } from "./board-checks.ts";
import { certificateChecks } from "./certificate-checks.ts";
import { byVerdict, runChecks } from "./check.ts";
import type { Check } from "./check.ts";
import { configChecks } from "./config-checks.ts";
import type { DoctorContext } from "./context.ts";
import { ingestChecks } from "./ingest-checks.ts";
import { dnsChecks, networkChecks } from "./network-checks.ts";
import { programChecks } from "./program-checks.ts";
import { doctorResult, doctorText } from "./report.ts";
import type { DoctorResult } from "./report.ts";
import { systemChecks } from "./system-checks.ts";
import { wifiChecks } from "./wifi-checks.ts";

export interface DoctorOptions {
  /** Folder with the files of another machine; `/` for this one. */
  readonly root: string;
  readonly configPath: string | undefined;
  readonly fix: boolean;
  /** Name of the output whose uplink is measured by publishing to it. */
  readonly bandwidth: string | undefined;
  readonly json: boolean;
  print(line: string): void;
}

/** Looks at everything and prints it. Rejects with `not-well` when something is wrong. */
export async function runDoctor(options: DoctorOptions, signal: AbortSignal): Promise<void> {
  const mask = createMask();
  const context = await openContext(options, signal);
  if (context.config !== undefined) for (const secret of secretsOf(context.config)) mask.add(secret);
  const bandwidth = bandwidthChecks(options, context);
  const checks = await listChecks(context, signal);
  const found = await runChecks(checks, { fix: options.fix }, signal);
  // Alone: what else is asked of the network would be measured too.
  const measured = await runChecks(bandwidth, { fix: false }, signal);
  const result = doctorResult([...measured, ...found].toSorted(byVerdict));
  options.print(mask.apply(options.json ? JSON.stringify(result) : doctorText(result)));
  const wrong = result.findings.filter(({ verdict }) => verdict === "wrong").map(({ id }) => id);
  if (wrong.length > 0) throw new Fault("not-well", `Something is wrong: ${wrong.join(", ")}.`);
}

export interface RunningParts {
  /** Undefined while nothing is configured yet. */
  readonly config: Config | undefined;
  readonly stateDirectory: string;
  /** The file that it is from; undefined: none. */
  readonly configPath: string | undefined;
  readonly mask: Mask;
}

/** Looks at everything for the spotlive that runs in this process, whose environment has no secrets any more. */
export async function examineRunning(parts: RunningParts, signal: AbortSignal): Promise<DoctorResult> {
  const { config, configPath, stateDirectory, mask } = parts;
  const problem = config === undefined ? "Nothing is configured yet." : undefined;
  const context: DoctorContext = {
    ...{ root: openRoot(), config, configPath, problem, stateDirectory },
    ...{ run: createRunProgram(signal), whyNoGstreamer },
  };
  const result = doctorResult(await runChecks(await listChecks(context, signal), { fix: false }, signal));
  return JSON.parse(mask.apply(JSON.stringify(result))) as DoctorResult;
}

function bandwidthChecks({ bandwidth }: DoctorOptions, context: DoctorContext): readonly Check[] {
  const { config } = context;
  if (bandwidth === undefined || config === undefined || !context.root.isThisMachine) return [];
  const output = config.outputs.find(({ name }) => name === bandwidth);
  if (output !== undefined) return [bandwidthCheck(config, output, context)];
  const names = config.outputs.map(({ name }) => name).join(", ");
  throw new Fault("usage", `--bandwidth takes the name of an output (${names || "there is none"})`);
}

async function openContext({ root, configPath }: DoctorOptions, signal: AbortSignal): Promise<DoctorContext> {
  const opened = openRoot(root);
  const common = { root: opened, configPath, run: createRunProgram(signal), whyNoGstreamer };
  const fallback = stateDirectoryToUse();
  if (!opened.isThisMachine && configPath === undefined)
    return { ...common, config: undefined, problem: undefined, stateDirectory: "/var/lib/spotlive" };
  try {
    const config = await loadConfig(configPath);
    return { ...common, config, problem: undefined, stateDirectory: config.stateDirectory };
  } catch (error) {
    return { ...common, config: undefined, problem: toFault(error).message, stateDirectory: fallback };
  }
}

async function listChecks(context: DoctorContext, signal: AbortSignal): Promise<readonly Check[]> {
  const board = recognise(context, signal);
  const profile = await board.then(
    ({ choice }) => choice.chosen.profile,
    () => undefined,
  );
  return [
    ...configChecks(context),
    ...boardChecks(context, board),
    ...programChecks(context, profile),
    ...systemChecks(context),
    ...wifiChecks(context),
    ...networkChecks(context),
    ...dnsChecks(context),
    ...ingestChecks(context),
    ...certificateChecks(context),
  ];
}
