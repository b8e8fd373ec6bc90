import { execFile } from "node:child_process";
import { chmod, lchown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runTool } from "../deb/tools.ts";

/**
 * Puts everything that lies in an ext4 file system into a folder, without mounting it. Owners, modes and capabilities are
 * those of the file system; a file with several names becomes several files. Rejects when any of it cannot be read.
 */
export async function unpackExt4(fileSystem: string, folder: string): Promise<void> {
  await debug(fileSystem, ["-R", `rdump / ${folder}`]);
  await restoreInodes(fileSystem, folder);
}

/** What rdump drops: the bits of a mode above 0777, the owner of a link, capabilities. */
interface Inode {
  readonly path: string;
  readonly isLink: boolean;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Hexadecimal; of `security.capability`. */
  readonly capability: string | undefined;
}

async function restoreInodes(fileSystem: string, folder: string): Promise<void> {
  // Only what runs, folders and links have any of it.
  const found = await runTool(
    "find",
    folder,
    "(",
    ...["-type", "d", "-o", "-type", "l", "-o", "-perm", "/111"],
    ")",
    ...["-printf", "/%P\\n"],
  );
  for (const inode of await readInodes(fileSystem, found.trim().split("\n"))) {
    const path = join(folder, inode.path);
    if (inode.isLink) await lchown(path, inode.uid, inode.gid);
    else await chmod(path, inode.mode);
    // chmod leaves capabilities alone, chown does not.
    if (inode.capability !== undefined) await runTool("python3", "-c", setter, path, inode.capability);
  }
}

const setter = 'import os, sys; os.setxattr(sys.argv[1], "security.capability", bytes.fromhex(sys.argv[2]))';

async function readInodes(fileSystem: string, paths: readonly string[]): Promise<readonly Inode[]> {
  const folder = await mkdtemp(join(tmpdir(), "inodes-"));
  try {
    const script = join(folder, "script");
    // Within quotes, debugfs takes a doubled quote for one.
    await writeFile(script, paths.map((path) => `stat "${path.replaceAll('"', '""')}"\n`).join(""));
    const said = await debug(fileSystem, ["-f", script]);
    const [, ...answers] = said.split(/^debugfs: stat ".*"\n/m);
    if (answers.length !== paths.length)
      throw new Error(`debugfs answered ${answers.length} of ${paths.length} questions.`);
    return answers.map((answer, index) => parseInode(paths[index] ?? "", answer));
  } finally {
    await rm(folder, { recursive: true });
  }
}

function parseInode(path: string, answer: string): Inode {
  const head = /Type: (\w+)\s+Mode:\s+(\d+)[^]*?\nUser:\s+(\d+)\s+Group:\s+(\d+)/.exec(answer);
  if (head === null) throw new Error(`debugfs said nothing of ${path}: ${answer.trim()}`);
  const [, type, mode = "", uid, gid] = head;
  const capability = /^\s+security\.capability \(\d+\) = ([0-9a-f ]+)$/m.exec(answer)?.[1];
  return {
    path,
    isLink: type === "symlink",
    mode: Number.parseInt(mode, 8),
    uid: Number(uid),
    gid: Number(gid),
    capability,
  };
}

/** Runs debugfs, which ends with 0 whatever happens, and says its version before any complaint. */
function debug(fileSystem: string, argv: readonly string[]): Promise<string> {
  const command = ["LC_ALL=C", "DEBUGFS_PAGER=__none__", "debugfs", ...argv, fileSystem];
  return new Promise((resolve, reject) => {
    execFile("env", command, { maxBuffer: 1 << 29 }, (error, out, said) => {
      const complaint = said.split("\n").find((line) => line.trim() !== "" && !line.startsWith("debugfs 1."));
      if (error === null && complaint === undefined) resolve(out);
      else reject(new Error(`debugfs could not read ${fileSystem}: ${complaint ?? error?.message ?? ""}`));
    });
  });
}
