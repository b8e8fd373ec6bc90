import { constants } from "node:fs";
import { access, realpath, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Environment } from "./environment.ts";
import { usualPlaces } from "./load.ts";

/**
 * Where the configuration file is: at `named`, else at the first of the usual places that exists, else in the state
 * directory of the service. Where there is none, the first of them that can be written. The service may not write into
 * /etc/spotlive, as units of root are told there what to do. Through links: what they lead to is written, and they stay.
 */
export async function findPlace(named: string | undefined, environment: Environment): Promise<string> {
  const { STATE_DIRECTORY: state = "" } = environment;
  const own = state === "" ? [] : [join(state, "spotlive.yaml")];
  const places = [...(named === undefined ? usualPlaces : [named]), ...own];
  for (const place of places) {
    const path = await realpath(place).catch(() => undefined);
    if (path !== undefined) return path;
  }
  for (const place of places) {
    const path = resolve(place);
    if ((await whyNotWritable(path)) === undefined) return path;
  }
  return resolve(places[0] ?? "spotlive.yaml");
}

/** The file system's code; a new file takes the place of the old one, so that the folder counts. */
export async function whyNotWritable(path: string): Promise<string | undefined> {
  try {
    const exists = await stat(path).then(
      () => true,
      () => false,
    );
    if (exists) await access(path, constants.W_OK);
    await access(await nearestFolder(dirname(path)), constants.W_OK);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "an error";
  }
}

/** Why spotlive may not write its file, and what a person does instead. */
export function whatToDo(
  path: string,
  reason: string,
  { SPOTLIVE_BOOT_DIRECTORY: boot = "", STATE_DIRECTORY: state = "" }: Environment,
): string {
  if (boot !== "")
    return (
      "This device takes its settings over from its boot file at every power-on, and what was taken over is not changed here. " +
      "Change spotlive.yaml on the small partition of its card, in any laptop, and power on again. " +
      "Where Ansible has set the device up, change its variables and run the playbook again."
    );
  if (state !== "")
    return (
      `The service may read ${path}, and not write it (${reason}). ` +
      `On this machine: sudoedit ${path}; sudo spotlive check-config; sudo systemctl restart spotlive.`
    );
  return `${path} cannot be written by spotlive (${reason}). Change it by hand, then start spotlive anew.`;
}

async function nearestFolder(folder: string): Promise<string> {
  const parent = dirname(folder);
  const exists = await stat(folder).catch(() => undefined);
  return exists !== undefined || parent === folder ? folder : await nearestFolder(parent);
}
