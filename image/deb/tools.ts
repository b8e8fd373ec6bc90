import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The checkout that is packed. */
export const checkout = fileURLToPath(new URL("../../", import.meta.url));

/** Runs a program in the checkout to its end and gives what it wrote. Rejects with what it said when it failed. */
export function runTool(program: string, ...argv: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, argv, { cwd: checkout, maxBuffer: 1 << 26 }, (error, out, said) => {
      if (error === null) resolve(out);
      else reject(new Error(`${program} failed: ${said.trim() || error.message}`, { cause: error }));
    });
  });
}
