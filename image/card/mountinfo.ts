/** A mounted file system. */
export interface MountedAt {
  /** `major:minor`; a made-up one for file systems that span several disks. */
  readonly device: string;
  readonly folder: string;
  readonly type: string;
  /** A path in /dev, or any word. */
  readonly source: string;
  /** Of the file system itself: `lowerdir=...` of an overlay. */
  readonly options: string;
}

/** Reads /proc/self/mountinfo (proc_pid_mountinfo(5)). Total. */
export function parseMountinfo(text: string): readonly MountedAt[] {
  return text.split("\n").flatMap((line) => {
    const [left = "", right = ""] = line.split(" - ", 2);
    const [, , device, , folder] = left.split(" ");
    const [type, source, options] = right.split(" ");
    if (device === undefined || folder === undefined || type === undefined || source === undefined) return [];
    return { device, folder: plain(folder), type, source: plain(source), options: plain(options ?? "") };
  });
}

/** The devices and files of /proc/swaps (proc_swaps(5)). Total. */
export function parseSwaps(text: string): readonly string[] {
  return text.split("\n").flatMap((line) => {
    const [path = ""] = line.split(/\s/, 1);
    return path.startsWith("/") ? plain(path) : [];
  });
}

/** Folders that belong to the running system. */
const systemFolders: readonly string[] = [
  "/",
  "/usr",
  "/boot",
  "/boot/efi",
  "/boot/firmware",
  "/var",
  "/home",
];

/** The file systems that the running system lies on: those at its folders, and those below an overlay there. */
export function systemMounts(mounts: readonly MountedAt[]): ReadonlySet<MountedAt> {
  const found = new Set<MountedAt>();
  const paths = [...systemFolders];
  for (const path of paths) {
    const mount = mountAt(mounts, path);
    if (mount === undefined || found.has(mount)) continue;
    found.add(mount);
    if (mount.type !== "overlay") continue;
    for (const [, list = ""] of mount.options.matchAll(/(?:^|,)(?:lowerdir|upperdir)=([^,]*)/g))
      paths.push(...list.split(":"));
  }
  return found;
}

/** The file system that a path lies on: the one at the longest folder above it, of two there the later. */
function mountAt(mounts: readonly MountedAt[], path: string): MountedAt | undefined {
  const above = mounts.filter(({ folder }) => folder === "/" || `${path}/`.startsWith(`${folder}/`));
  return above.toReversed().toSorted((a, b) => b.folder.length - a.folder.length)[0];
}

/** Blanks are written in octal: `\040`. */
function plain(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
