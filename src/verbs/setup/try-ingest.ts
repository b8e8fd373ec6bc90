import { createRunProgram } from "../../boards/run-program.ts";
import { secretsOf } from "../../config/build.ts";
import { configOf } from "../../config/check-parts.ts";
import { Fault, toFault } from "../../domain/fault.ts";
import { createMask } from "../../lib/log.ts";
import { judge, measureUplink } from "../doctor/bandwidth.ts";
import { fieldsOf } from "./steps.ts";

export interface IngestTrial {
  readonly ok: boolean;
  /** What arrived; absent where nothing could be published. */
  readonly bitsPerSecond?: number;
  readonly text: string;
}

const names = ["kind", "url", "ingest", "streamKey"];

/**
 * Publishes a test picture for ten seconds and measures what arrives. Twitch is told that it is a test, which nobody sees;
 * any other server shows it. Throws `usage` for what makes no sense.
 */
export async function tryIngest(
  body: unknown,
  stateDirectory: string,
  signal: AbortSignal,
): Promise<IngestTrial> {
  const output = { ...fieldsOf(body, names), name: "trial" };
  const config = await configOf({
    source: "file",
    file: { path: "none" },
    outputs: [output],
    stateDirectory,
  });
  const [destination] = config.outputs;
  if (destination === undefined)
    throw new Fault("internal", "A destination was asked for, and there is none.");
  const mask = createMask();
  for (const secret of secretsOf(config)) mask.add(secret);
  try {
    const { rate, outcome } = await measureUplink(config, destination, createRunProgram(signal), signal);
    const { verdict, evidence, meaning } = judge("trial", rate, config.adapt.floor, outcome);
    const text = mask.apply(`${evidence} ${meaning}`.trim());
    return { ok: verdict !== "wrong", bitsPerSecond: Math.round(outcome.carried), text };
  } catch (error) {
    return { ok: false, text: mask.apply(toFault(error).message) };
  }
}
