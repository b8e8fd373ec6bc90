/** One mounted file system. */
export interface Mount {
  readonly device: string;
  readonly folder: string;
  readonly type: string;
  readonly isReadOnly: boolean;
}

/** Reads /proc/mounts (proc_pid_mounts(5)). Total. */
export function parseMounts(mounts: string): readonly Mount[] {
  return mounts.split("\n").flatMap((line) => {
    const [device, folder, type, options] = line.split(" ");
    if (device === undefined || folder === undefined || type === undefined || options === undefined)
      return [];
    const [plainDevice, plainFolder] = [unescape(device), unescape(folder)];
    return { device: plainDevice, folder: plainFolder, type, isReadOnly: options.split(",").includes("ro") };
  });
}

/** The file system that a path is on: the longest folder above it, of two on one folder the later. */
export function findMount(mounts: readonly Mount[], path: string): Mount | undefined {
  const above = mounts.filter(
    ({ folder }) => folder === "/" || path === folder || path.startsWith(`${folder}/`),
  );
  return above.toReversed().toSorted((a, b) => b.folder.length - a.folder.length)[0];
}

/** Blanks are written in octal: `\040`. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
