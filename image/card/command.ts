import { openRoot } from "../../src/boards/root.ts";
import { Fault } from "../../src/domain/fault.ts";
import { checkBootFile, placeBootFiles } from "./boot-file.ts";
import { createDisplay } from "./display.ts";
import type { Display, Streams } from "./display.ts";
import { flash } from "./flash.ts";
import { examineImage, patchImage } from "./image-file.ts";
import type { Image } from "./image-file.ts";
import type { Medium } from "./medium.ts";
import { openDisk, openFile } from "./open-medium.ts";
import { help, readOptions } from "./options.ts";
import type { Options } from "./options.ts";
import { chooseDisk, describeChoices, nameDisk } from "./target.ts";

export interface Terminal extends Streams {
  /** Asks a person; undefined where nobody can answer. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
  readonly signal: AbortSignal;
}

/**
 * Runs one command line and gives the exit status: 0 written and proven, 1 a fault of card, reader or image. Rejects
 * with a `Fault` for anything else.
 */
export async function runFlash(args: readonly string[], terminal: Terminal): Promise<0 | 1> {
  const options = readOptions(args);
  if (options.wantsHelp) {
    terminal.out(`${help}\n`);
    return 0;
  }
  const { image: path, disk, thisDisk } = options;
  if (path === undefined || disk === undefined) {
    for (const line of await describeChoices(openRoot(), { bytes: 0, thisDisk })) terminal.out(`${line}\n`);
    throw new Fault(
      "usage",
      `Expected an image and a disk, got ${path === undefined ? "neither" : "no disk"}.`,
    );
  }
  const display = createDisplay(terminal, options.isJson);
  // First what takes no time: nobody waits for the image to be read to learn that the disk is the wrong one.
  const files = options.config === undefined ? undefined : await checkBootFile(options.config);
  if (!options.isFile) await chooseDisk(openRoot(), disk, { bytes: 0, thisDisk });
  const image = await examine(path, display, terminal.signal);
  if (image === undefined) return 1;
  const patches = files === undefined ? [] : await placeBootFiles(image, files, terminal.signal);
  await using medium = await openTarget(disk, image, options, terminal);
  const ready = patchImage(image, patches);
  const outcome = await flash(medium, ready, terminal.signal, display.startMeter);
  display.tell(outcome, medium, image.bytes);
  return outcome.verdict.kind === "proven" ? 0 : 1;
}

/** Reads the image to its end; tells what is wrong with it and gives undefined when it is damaged. */
async function examine(path: string, display: Display, signal: AbortSignal): Promise<Image | undefined> {
  try {
    const meter = display.startMeter("checking", 0);
    const image = await examineImage(path, signal, meter.onBytes);
    meter.end();
    if (!image.isProven)
      display.note(`${path}: nothing beside it tells whether it is whole (.sha256, .manifest.json).`);
    return image;
  } catch (error) {
    if (!(error instanceof Fault && error.code === "malformed")) throw error;
    display.tell(
      { verdict: { kind: "image-damaged", text: error.message } },
      { name: path, isDirect: true },
      0,
    );
    return undefined;
  }
}

async function openTarget(
  path: string,
  image: Image,
  { isFile, isAgreed, thisDisk }: Options,
  { ask }: Terminal,
): Promise<Medium> {
  if (isFile) return await openFile(path, image.bytes);
  const disk = await chooseDisk(openRoot(), path, { bytes: image.bytes, thisDisk });
  if (isAgreed) return await openDisk(disk);
  if (ask === undefined)
    throw new Fault("usage", "Nobody is there to be asked: add --yes to write without a question.");
  const answer = await ask(`${nameDisk(disk)}\nEverything on it will be lost. Type ${disk.name} to go on: `);
  if (![disk.name, disk.path].includes(answer.trim())) throw new Fault("usage", "Nothing was written.");
  return await openDisk(disk);
}
