import type { BoardReport } from "../boards/prove-board.ts";
import type { Root } from "../boards/root.ts";
import type { PictureLimits, Quirk, Runner, V4l2Device } from "../domain/board.ts";

/** What `profile --json` prints. Keys are only ever added. */
export interface ProfileResult {
  readonly version: 1;
  readonly root: string;
  readonly board: BoardReport["facts"];
  readonly profile: {
    readonly name: string;
    readonly title: string;
    /** Whether somebody has run this profile on its board. */
    readonly verified: boolean;
    /** What the board has in hardware; `none` where there is nothing. */
    readonly h264: { readonly decoder: string; readonly encoder: string };
    readonly why: string;
  };
  readonly otherProfiles: readonly { readonly name: string; readonly reason: string }[];
  readonly v4l2: readonly V4l2Device[];
  /** Null where nothing holds even the smallest size at real time. */
  readonly chain: {
    readonly name: string;
    readonly runner: Runner;
    readonly device?: string;
    readonly holds: PictureLimits;
    /** Seconds of stream per second of time. */
    readonly speed: number;
    /** The worst picture against its original, 0 to 1. */
    readonly ssim: number;
  } | null;
  readonly rejected: readonly { readonly chain: string; readonly reason: string }[];
  readonly quirks: readonly Quirk[];
  /** True where nothing was tried now, as nothing has changed since the last time. */
  readonly fromCache: boolean;
  /** False for a foreign root: what was measured is this machine, not the board. */
  readonly measuredOnBoard: boolean;
}

export function profileResult(report: BoardReport, root: Root): ProfileResult {
  const { facts, choice, v4l2, proof, fromCache } = report;
  const { name, title, verified, h264, quirks } = choice.chosen.profile;
  const { chosen } = proof;
  return {
    version: 1,
    root: root.directory,
    board: facts,
    profile: { name, title, verified, h264, why: choice.why },
    otherProfiles: choice.others,
    v4l2,
    chain:
      chosen === undefined
        ? null
        : {
            name: chosen.chain.name,
            runner: chosen.chain.runner,
            ...(chosen.device !== undefined && { device: chosen.device }),
            holds: chosen.holds,
            speed: chosen.speed,
            ssim: chosen.ssim,
          },
    rejected: proof.rejected,
    quirks,
    fromCache,
    measuredOnBoard: root.isThisMachine,
  };
}

export function profileText(result: ProfileResult): string {
  const { board, profile, chain, rejected, otherProfiles, v4l2, quirks } = result;
  const { compatible, dmi } = board;
  const made = board.model ?? [dmi["sys_vendor"], dmi["product_name"]].filter(Boolean).join(" ");
  const lines = [
    row("board", made === "" ? "unknown" : made),
    ...(compatible.length > 0 ? [row("device tree", compatible.join(", "))] : []),
    row("system", [board.system, board.kernel, `${board.cores} processors`].filter(Boolean).join(", ")),
    row("profile", `${profile.name}: ${profile.title}; ${profile.why}`),
    ...(profile.verified ? [] : [row("", "nobody has run this profile on its board yet")]),
    row("H.264 in hardware", `decoder: ${profile.h264.decoder}; encoder: ${profile.h264.encoder}`),
    ...v4l2.map(({ path, card, role, by }) =>
      row("V4L2", `${path} is an H.264 ${role} (${card}, by its ${by})`),
    ),
    ...(chain === null
      ? [row("chain", "none: not even the smallest size is held at real time")]
      : [row("chain", `${chain.name} (${chain.runner}), ${describeHolds(chain)}`)]),
    ...(result.measuredOnBoard
      ? [row("", result.fromCache ? "as proven the last time; nothing has changed since" : "proven just now")]
      : [row("", `measured on this machine, not on the board: ${result.root} is only its files`)]),
    ...rejected.map(({ chain, reason }) => row(`not ${chain}`, reason)),
    ...otherProfiles.map(({ name, reason }) => row(`not ${name}`, reason)),
    ...quirks.map(({ text, source }) => row("beware", `${text} (${source})`)),
  ];
  return lines.join("\n");
}

function describeHolds({ holds, speed, ssim }: NonNullable<ProfileResult["chain"]>): string {
  const size = `${holds.width}x${holds.height} at ${holds.fps} pictures a second`;
  return `holds ${size}; ${speed.toFixed(2)} times real time at 30, likeness ${ssim.toFixed(3)}`;
}

const row = (name: string, text: string): string => `${name.padEnd(20)} ${text}`;
