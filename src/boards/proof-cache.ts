import { createHash } from "node:crypto";
import type { BoardProfile, Chain, ProvenChain } from "../domain/board.ts";
import { readFileIfThere, writeFileAtomic } from "../lib/atomic-file.ts";
import { group, list, number, readAll, text, wholeNumber } from "./schema.ts";

/** Why a chain was not chosen. */
export interface RejectedChain {
  readonly chain: string;
  readonly reason: string;
}

/** What a proof has found. */
export interface Proof {
  /** Absent where not even software holds the smallest size. */
  readonly chosen?: ProvenChain;
  readonly rejected: readonly RejectedChain[];
}

/** Goes up when the way of proving changes. */
const version = 1;

/** One word for everything that a proof depends on. */
export function proofKey(parts: Readonly<Record<string, unknown>>): string {
  return createHash("sha256")
    .update(JSON.stringify({ version, ...parts }))
    .digest("hex");
}

const picture = { width: wholeNumber(16, 8192), height: wholeNumber(16, 8192), fps: wholeNumber(1, 240) };
const stored = group({
  key: text(/^[0-9a-f]{64}$/),
  chosen: group(
    {
      chain: text(),
      holds: group({ ...picture, bitsPerSecond: wholeNumber(1, 2 ** 40) }),
      speed: number(0, 1e6),
      ssim: number(0, 1),
    },
    { device: text() },
  ),
  rejected: list(group({ chain: text(), reason: (value: unknown) => String(value).slice(0, 2000) })),
});

/**
 * The proof kept under this key, with its chain taken from the profiles. Undefined where there is none, or where the
 * file is damaged or of another version. Never rejects.
 */
export async function readProof(
  path: string,
  key: string,
  profiles: readonly BoardProfile[],
): Promise<Proof | undefined> {
  try {
    const content = await readFileIfThere(path);
    if (content === undefined) return undefined;
    const { key: storedKey, chosen, rejected } = readAll(JSON.parse(content) as unknown, path, stored);
    const chain = profiles
      .flatMap(({ chains }): readonly Chain[] => chains)
      .find(({ name }) => name === chosen.chain);
    if (storedKey !== key || chain === undefined) return undefined;
    const { chain: _name, ...rest } = chosen;
    return { chosen: { ...rest, chain }, rejected };
  } catch {
    return undefined;
  }
}

/** Keeps a proof with a chain. Rejects with the file system's error. */
export async function writeProof(path: string, key: string, { chosen, rejected }: Proof): Promise<void> {
  if (chosen === undefined) return;
  const content = { key, chosen: { ...chosen, chain: chosen.chain.name }, rejected };
  await writeFileAtomic(path, `${JSON.stringify(content)}\n`, { mode: 0o644 });
}
