import { mkdir, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { whyNoUplink } from "../../src/simulator/uplink.ts";
import { startNginxRtmp } from "../helpers/nginx.ts";
import { measureRow } from "./measure.ts";
import { formatPreview, measurePreview } from "./preview.ts";
import { describeRow, fullTiming, quickTiming, rows } from "./rows.ts";
import type { Row, Timing } from "./rows.ts";
import { formatStep, measureStep } from "./step.ts";
import type { MeasuredStep } from "./step.ts";
import { describeMachine, formatExpectations, formatMachine, formatRemarks, formatTable } from "./table.ts";
import type { MeasuredRow } from "./table.ts";

const usage = `usage: npm run bench -- [--quick] [--row NAME]... [--step] [--preview]
  --quick     the first two rows, with short windows
  --row NAME  only this row: ${rows.map(({ name }) => name).join(", ")}
  --step      only the step of the uplink
  --preview   only the picture in a browser`;
const resultsFolder = new URL("../../bench-results/", import.meta.url);

interface Choice {
  readonly chosen: readonly Row[];
  readonly timing: Timing;
  /** Whether the step of the uplink is measured too. */
  readonly step: boolean;
  readonly preview: boolean;
}

function readArguments(): Choice | undefined {
  try {
    const options = {
      quick: { type: "boolean" },
      row: { type: "string", multiple: true },
      step: { type: "boolean" },
      preview: { type: "boolean" },
    } as const;
    const { quick = false, row: names = [], step = false, preview = false } = parseArgs({ options }).values;
    const isPart = step || preview || names.length > 0;
    const unknown = names.find((name) => !rows.some((row) => row.name === name));
    if (unknown !== undefined) throw new Error(`There is no row ${unknown}.`);
    const named = rows.filter(({ name }) => names.includes(name));
    const all = quick ? rows.slice(0, 2) : rows;
    const chosen = isPart ? named : all;
    const timing = quick ? quickTiming : fullTiming;
    const isWhole = chosen === rows;
    return { chosen, timing, step: step || isWhole, preview: preview || isWhole };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    return undefined;
  }
}

async function run({ chosen, timing, step, preview }: Choice, signal: AbortSignal): Promise<void> {
  const machine = describeMachine();
  console.log(formatMachine(machine));
  await mkdir(resultsFolder, { recursive: true });
  const measured = await runRows(chosen, timing, signal);
  const uplinkStep = step ? await runUplinkStep(signal) : undefined;
  const looking = preview ? await measurePreview() : undefined;
  if (looking !== undefined) console.log(`\n${formatPreview(looking)}`);
  const content = {
    at: new Date().toISOString(),
    machine,
    timing,
    rows: measured,
    uplinkStep,
    preview: looking,
  };
  await writeFile(new URL("results.json", resultsFolder), `${JSON.stringify(content, null, 2)}\n`);
}

async function runRows(chosen: readonly Row[], timing: Timing, signal: AbortSignal): Promise<MeasuredRow[]> {
  if (chosen.length === 0) return [];
  await using nginx = await startNginxRtmp();
  const measured: MeasuredRow[] = [];
  for (const row of chosen) {
    console.log(`${describeRow(row)} ...`);
    measured.push({ row, results: await measureRow(row, timing, nginx, measured.length === 0, signal) });
  }
  console.log(
    "\nCPU-seconds per minute of stream; a column with a slash is spotlive's share of the other's.\n",
  );
  console.log(`${formatTable(measured)}\n`);
  for (const line of [...formatRemarks(measured), ...formatExpectations(measured)]) console.log(line);
  return measured;
}

async function runUplinkStep(signal: AbortSignal): Promise<MeasuredStep | undefined> {
  const reason = await whyNoUplink(signal);
  if (reason !== undefined) {
    console.log(`The step of the uplink is not measured. ${reason}`);
    return undefined;
  }
  console.log("An uplink of 8, then 1.5, then 8 Mbit/s ...\n");
  const { figures, svg } = await measureStep(signal);
  await writeFile(new URL("uplink-step.svg", resultsFolder), svg);
  console.log(formatStep(figures));
  return figures;
}

const life = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => life.abort());
const given = readArguments();
if (given === undefined) process.exitCode = 2;
else {
  try {
    await run(given, life.signal);
  } catch (error) {
    if (life.signal.aborted) process.exitCode = 130;
    else throw error;
  }
}
