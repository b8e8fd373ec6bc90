/** `image/flash` and `npm run -s flash --`: writes an image to a card and proves it. */
import { createInterface } from "node:readline/promises";
import { toFault } from "../../src/domain/fault.ts";
import { runFlash } from "./command.ts";

const controller = new AbortController();
const { signal } = controller;
const stop = (): void => controller.abort();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, stop); // a second one ends it at once

async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  terminal.once("SIGINT", stop);
  try {
    return await terminal.question(question, { signal });
  } finally {
    terminal.close();
  }
}

const error = (text: string): void => void process.stderr.write(text);
try {
  process.exitCode = await runFlash(process.argv.slice(2), {
    out: (text) => void process.stdout.write(text),
    ...{ error, signal, isTerminal: process.stderr.isTTY },
    ask: process.stdin.isTTY ? ask : undefined,
  });
} catch (reason) {
  const { code, message } = toFault(reason);
  const lines = signal.aborted
    ? ["Stopped. If the writing had begun, the card is of no use until it is written anew."]
    : [message];
  if (code === "not-permitted" && !signal.aborted)
    lines.push(`Type: sudo ${[process.execPath, ...process.argv.slice(1)].map(quote).join(" ")}`);
  error(`${lines.join("\n")}\n`);
  process.exitCode = !signal.aborted && (code === "usage" || code === "config-invalid") ? 2 : 1;
}

function quote(word: string): string {
  return /^[\w./=:+-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
