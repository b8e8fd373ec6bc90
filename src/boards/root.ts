import { readFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/**
 * A machine's files: `/`, or a folder that holds those of another board (`/proc/device-tree`, `/dev`, `/sys`). What is
 * not there, or cannot be read, is simply absent.
 */
export interface Root {
  readonly directory: string;
  /** Whether these are the files of the machine that this program runs on. */
  readonly isThisMachine: boolean;
  /** The text of a file, at most 64 KiB; undefined where there is none. */
  text(path: string): Promise<string | undefined>;
  /** The names in a folder, sorted; empty where there is none. */
  names(path: string): Promise<readonly string[]>;
  /** The paths that exist and fit a pattern, sorted; `*` is any text within one part of the path. */
  expand(pattern: string): Promise<readonly string[]>;
  /** Size and time of change of a file, as one word; undefined where there is none. */
  stamp(path: string): Promise<string | undefined>;
}

const longestFile = 65_536;

export function openRoot(directory = "/"): Root {
  const at = (path: string): string => join(directory, path);
  const names = async (path: string): Promise<readonly string[]> =>
    (await readdir(at(path)).catch(() => [])).toSorted((a, b) => (a < b ? -1 : 1));
  const exists = async (path: string): Promise<boolean> =>
    stat(at(path)).then(
      () => true,
      () => false,
    );
  const fitting = async (folder: string, part: string): Promise<readonly string[]> => {
    if (!part.includes("*")) return (await exists(`${folder}/${part}`)) ? [part] : [];
    return (await names(folder === "" ? "/" : folder)).filter((name) => fits(name, part));
  };
  return {
    directory,
    isThisMachine: directory === "/",
    text: async (path) => {
      const content = await readFile(at(path), "utf8").catch(() => undefined);
      return content?.slice(0, longestFile);
    },
    names,
    async expand(pattern) {
      let paths: readonly string[] = [""];
      for (const part of pattern.split("/").filter((part) => part !== "")) {
        const longer = await Promise.all(
          paths.map(async (folder) => (await fitting(folder, part)).map((name) => `${folder}/${name}`)),
        );
        paths = longer.flat();
      }
      return paths;
    },
    async stamp(path) {
      const found = await stat(at(path)).catch(() => undefined);
      return found && `${found.size}-${Math.round(found.mtimeMs)}`;
    },
  };
}

/** Whether a name fits a pattern of plain text and `*`. Takes linear time for one `*`, as profiles have. */
function fits(name: string, pattern: string): boolean {
  const parts = pattern.split("*");
  const [first = "", last = ""] = [parts[0], parts.at(-1)];
  if (!name.startsWith(first) || !name.endsWith(last)) return false;
  let from = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, from);
    if (found < 0) return false;
    from = found + part.length;
  }
  return from <= name.length - last.length;
}
