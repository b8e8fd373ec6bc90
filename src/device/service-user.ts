import { join } from "node:path";
import { readFileIfThere } from "../lib/atomic-file.ts";

/** Who the service runs as, by numbers. */
export interface ServiceUser {
  readonly user: number;
  readonly group: number;
}

/** Looks a user up in the files below `root` (passwd(5)); undefined where there is none of that name. */
export async function findUser(root: string, name: string): Promise<ServiceUser | undefined> {
  const text = await readFileIfThere(join(root, "etc/passwd")).catch(() => undefined);
  const fields = text?.split("\n").map((line) => line.split(":"));
  const [, , user, group] = fields?.find(([own]) => own === name) ?? [];
  const isNumber = (text: string | undefined): text is string =>
    text !== undefined && /^\d{1,10}$/.test(text);
  return isNumber(user) && isNumber(group) ? { user: Number(user), group: Number(group) } : undefined;
}
