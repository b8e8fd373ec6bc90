import type { Chain, Runner, TranscodeClip, V4l2Device } from "../domain/board.ts";
import { toFault } from "../domain/fault.ts";
import { loadProfiles, shippedProfiles, softwareName, softwareOf } from "./catalogue.ts";
import { readBoardFacts } from "./facts.ts";
import type { BoardFacts } from "./facts.ts";
import { chooseProfile, findDevice } from "./match.ts";
import type { ProfileChoice } from "./match.ts";
import { proofKey, readProof, writeProof } from "./proof-cache.ts";
import type { Proof, RejectedChain } from "./proof-cache.ts";
import { proveChain } from "./prove-chain.ts";
import type { ChainTrial } from "./prove-chain.ts";
import type { Root } from "./root.ts";
import { createRunProgram } from "./run-program.ts";
import type { RunProgram } from "./run-program.ts";
import { makeTestClip } from "./test-clip.ts";
import { listV4l2 } from "./v4l2.ts";

export interface BoardOptions {
  readonly root: Root;
  /** Folder of the profiles; those of the product where absent. */
  readonly profiles?: string;
  readonly transcode: TranscodeClip;
  /** Why a runner cannot be used in this installation, with the remedy; undefined when it can. */
  readonly whyNoRunner: (runner: Runner, signal: AbortSignal) => Promise<string | undefined>;
  /** Where a proof is kept; nowhere where absent. Never used for a foreign root. */
  readonly cachePath?: string;
}

/** A board, and what was found out about it. */
export interface BoardReport {
  readonly facts: BoardFacts;
  readonly choice: ProfileChoice;
  readonly v4l2: readonly V4l2Device[];
  readonly proof: Proof;
  readonly fromCache: boolean;
}

/** A board that is recognised, before anything was tried. */
export interface RecognisedBoard {
  readonly facts: BoardFacts;
  readonly choice: ProfileChoice;
  /** Best first; software last. */
  readonly chains: readonly Chain[];
  /** The runners of those chains that cannot be used here, and why. Empty for a foreign root. */
  readonly missing: ReadonlyMap<Runner, string>;
  /** What a proof depends on: kernel, ffmpeg, drivers, profile, processors, runners. */
  readonly key: string;
  /** What was found the last time, if everything is as it was. */
  readonly kept: Proof | undefined;
}

const versionMs = 5000;

/** Reads the board and chooses its profile. Rejects with a `Fault` when the profiles are wrong. */
export async function recogniseBoard(
  options: BoardOptions,
  run: RunProgram,
  signal: AbortSignal,
): Promise<RecognisedBoard> {
  const { root, cachePath } = options;
  const [profiles, facts] = await Promise.all([
    loadProfiles(options.profiles ?? shippedProfiles),
    readBoardFacts(root),
  ]);
  const choice = await chooseProfile(facts, root, profiles);
  const software = softwareOf(profiles);
  const used = choice.chosen.profile.name === softwareName ? [software] : [choice.chosen, software];
  const chains = used.flatMap(({ profile }) => profile.chains);
  const runners = [...new Set(chains.map(({ runner }) => runner))];
  const missing = root.isThisMachine ? await missingOf(runners, options, signal) : new Map<Runner, string>();
  const version = await run("ffmpeg", ["-version"], versionMs);
  const drivers = (await Promise.all(used.flatMap(({ profile }) => profile.drivers).map(root.expand))).flat();
  const key = proofKey({
    kernel: facts.kernel,
    ffmpeg: version.kind === "ended" ? version.output.toString("latin1").split("\n")[0] : version.kind,
    drivers: await Promise.all(drivers.map(async (path) => [path, await root.stamp(path)])),
    profiles: used.map(({ hash }) => hash),
    cores: facts.cores,
    runners: runners.filter((runner) => !missing.has(runner)).toSorted(),
  });
  const kept =
    cachePath !== undefined && root.isThisMachine
      ? await readProof(
          cachePath,
          key,
          used.map(({ profile }) => profile),
        )
      : undefined;
  return { facts, choice, chains, missing, key, kept };
}

async function missingOf(
  runners: readonly Runner[],
  { whyNoRunner }: BoardOptions,
  signal: AbortSignal,
): Promise<ReadonlyMap<Runner, string>> {
  const reasons = await Promise.all(
    runners.map(async (runner) => [runner, await whyNoRunner(runner, signal)] as const),
  );
  return new Map(reasons.flatMap(([runner, why]) => (why === undefined ? [] : [[runner, why] as const])));
}

/**
 * Recognises the board and proves its chains: what was kept from the last time, unless `fresh`. Takes a second or two,
 * at most 10 s for each chain that hangs. Rejects with a `Fault` when the profiles are wrong, and only then.
 */
export async function proveBoard(
  options: BoardOptions & { readonly fresh?: boolean },
  signal: AbortSignal,
): Promise<BoardReport> {
  const run = createRunProgram(signal);
  const board = await recogniseBoard(options, run, signal);
  const { facts, choice, key, kept } = board;
  const v4l2 = await listV4l2(options.root, run);
  if (kept !== undefined && options.fresh !== true)
    return { facts, choice, v4l2, proof: kept, fromCache: true };
  const proof = await proveChains(board, v4l2, options, run, signal);
  const { cachePath, root } = options;
  if (cachePath !== undefined && root.isThisMachine && !signal.aborted)
    await writeProof(cachePath, key, proof).catch(() => {}); // proven again the next time
  return { facts, choice, v4l2, proof, fromCache: false };
}

async function proveChains(
  { chains, missing }: RecognisedBoard,
  v4l2: readonly V4l2Device[],
  options: BoardOptions,
  run: RunProgram,
  signal: AbortSignal,
): Promise<Proof> {
  const rejected: RejectedChain[] = [];
  let clip: ChainTrial["clip"] | undefined;
  for (const [index, chain] of chains.entries()) {
    const reject = (reason: string): void => void rejected.push({ chain: chain.name, reason });
    const obstacle = await whyNotTried(chain, v4l2, missing, options.root);
    if (obstacle !== undefined) {
      reject(obstacle);
      continue;
    }
    try {
      clip ??= await makeTestClip(run);
    } catch (error) {
      reject(`No test picture could be made: ${toFault(error).message}`);
      continue;
    }
    const device = await firstDevice(chain, options.root);
    const trial = { chain, clip, run, transcode: options.transcode, ...(device !== undefined && { device }) };
    const verdict = await proveChain(trial, signal);
    if (verdict.kind === "proven") {
      for (const { name } of chains.slice(index + 1))
        rejected.push({ chain: name, reason: `Not needed: ${chain.name} comes before it and holds.` });
      return { chosen: verdict.proven, rejected };
    }
    reject(verdict.reason);
  }
  return { rejected };
}

/** Software runs anywhere; everything else must be there, and on this very machine. */
async function whyNotTried(
  chain: Chain,
  v4l2: readonly V4l2Device[],
  missing: RecognisedBoard["missing"],
  root: Root,
): Promise<string | undefined> {
  for (const alternatives of chain.devices)
    if ((await findDevice(root, alternatives)) === undefined)
      return `${alternatives.join(" or ")} does not exist.`;
  for (const role of chain.v4l2)
    if (!v4l2.some((device) => device.role === role)) return `There is no V4L2 ${role} for H.264.`;
  const isSoftware =
    chain.runner === "ffmpeg" && chain.encode.codec === "libx264" && chain.decode === undefined;
  if (!root.isThisMachine && !isSoftware)
    return `What it needs is listed, but only the board itself can prove it: ${root.directory} is not this machine.`;
  return missing.get(chain.runner);
}

/** The node that a chain's first condition stands for: what VAAPI is told. */
async function firstDevice(chain: Chain, root: Root): Promise<string | undefined> {
  const [first] = chain.devices;
  return first && (await findDevice(root, first));
}
