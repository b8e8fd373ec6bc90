import { parseArgs } from "node:util";
import { Fault, toFault } from "../../src/domain/fault.ts";

export const help = `usage: flash IMAGE DISK [OPTIONS]

Writes an image (NAME.img.zst or NAME.img) to a card, reads it back past every cache, compares it, and says
whether the card, the image or the reader is at fault. Without DISK it lists the disks that come into question.

  --config FILE           put this file onto the boot partition as spotlive.yaml, with the files that it names
  --file                  DISK is a file: a raw image for a virtual machine, or to be written by another program
  --yes                   do not ask
  --yes-this-disk NAME    write to this disk although it does not look like a card: sdb
  --json                  progress and verdict as JSON lines

Exit status: 0 written and proven right, 1 a fault, 2 nothing was done: usage, a refused disk, a wrong boot file.`;

export interface Options {
  readonly image?: string | undefined;
  readonly disk?: string | undefined;
  readonly config?: string | undefined;
  readonly thisDisk?: string | undefined;
  readonly isFile: boolean;
  readonly isAgreed: boolean;
  readonly isJson: boolean;
  readonly wantsHelp: boolean;
}

/** Reads the command line. Throws a `Fault` (`usage`). */
export function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parse(args);
  const [image, disk, tooMuch] = positionals;
  if (tooMuch !== undefined)
    throw new Fault("usage", `Expected an image and a disk, got ${positionals.length} words.`);
  return {
    ...{ image, disk, config: values.config, thisDisk: values["yes-this-disk"]?.replace(/^\/dev\//, "") },
    isFile: values.file === true,
    isAgreed: values.yes === true,
    isJson: values.json === true,
    wantsHelp: values.help === true,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        config: { type: "string" },
        "yes-this-disk": { type: "string" },
        file: { type: "boolean" },
        yes: { type: "boolean" },
        json: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw toFault(error, "usage");
  }
}
