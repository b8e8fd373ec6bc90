import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { startNginxRtmp } from "../helpers/nginx.ts";
import { measureRow } from "./measure.ts";
import { describeRow, fullTiming, quickTiming, rows } from "./rows.ts";
import type { Row, Timing } from "./rows.ts";
import { describeMachine, formatExpectations, formatMachine, formatRemarks, formatTable } from "./table.ts";
import type { MeasuredRow } from "./table.ts";

const usage = `usage: npm run bench -- [--quick] [--row NAME]...
  --quick     the first two rows, with short windows
  --row NAME  only this row: ${rows.map(({ name }) => name).join(", ")}`;
const resultsFile = new URL("../../bench-results.json", import.meta.url);

function readArguments(): { readonly chosen: readonly Row[]; readonly timing: Timing } | undefined {
  try {
    const options = { quick: { type: "boolean" }, row: { type: "string", multiple: true } } as const;
    const { quick = false, row: names = [] } = parseArgs({ options }).values;
    const unknown = names.find((name) => !rows.some((row) => row.name === name));
    if (unknown !== undefined) throw new Error(`There is no row ${unknown}.`);
    const named = rows.filter(({ name }) => names.includes(name));
    const all = quick ? rows.slice(0, 2) : rows;
    return { chosen: named.length > 0 ? named : all, timing: quick ? quickTiming : fullTiming };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    return undefined;
  }
}

async function run(chosen: readonly Row[], timing: Timing, signal: AbortSignal): Promise<void> {
  const machine = describeMachine();
  console.log(formatMachine(machine));
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
  const content = { at: new Date().toISOString(), machine, timing, rows: measured };
  await writeFile(resultsFile, `${JSON.stringify(content, null, 2)}\n`);
}

const life = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => life.abort());
const given = readArguments();
if (given === undefined) process.exitCode = 2;
else {
  try {
    await run(given.chosen, given.timing, life.signal);
  } catch (error) {
    if (life.signal.aborted) process.exitCode = 130;
    else throw error;
  }
}
