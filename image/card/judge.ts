import { blockBytes } from "./blocks.ts";
import type { Image } from "./image-file.ts";
import { isFailure } from "./medium.ts";
import type { Medium } from "./medium.ts";
import { findDisplacements, wrappedSize } from "./origin.ts";
import type { BadBlock, Survey } from "./read-back.ts";
import type { Verdict } from "./verdict.ts";

/** At least so many bad blocks make a pattern. */
const pattern = 3;
/** Of so many bad blocks, from everywhere, the origin is searched. */
const enough = 64;

/**
 * Says what is wrong with a card or its reader after a survey, and tries it out where that is needed: what is wrong is
 * written once more. Rejects with a `Fault` when the image file fails.
 */
export async function judge(
  medium: Medium,
  image: Image,
  survey: Survey,
  signal: AbortSignal,
): Promise<Verdict> {
  switch (survey.kind) {
    case "failed":
      return { kind: "read-failed", failure: survey.failure };
    case "reads-differ":
      return survey;
    case "read": {
      const [first] = survey.bad;
      if (first === undefined) return { kind: "proven" };
      // Before anything is written again: that would land elsewhere too, and be found there.
      const wrapped = await wrapOf(image, survey, signal);
      if (wrapped !== undefined) return fake(medium, wrapped);
      const again = await writeAgain(medium, survey.bad, signal);
      const isEnd = survey.bad.length >= pattern && survey.right.every((offset) => offset < first.offset);
      return again.kind === "worn" && isEnd ? fake(medium, first.offset) : again;
    }
  }
}

function fake({ bytes }: Medium, realBytes: number): Verdict {
  return { kind: "fake-capacity", claimedBytes: bytes, realBytes };
}

async function wrapOf(
  image: Image,
  { bad, right }: Extract<Survey, { kind: "read" }>,
  signal: AbortSignal,
): Promise<number | undefined> {
  const strays = bad.map(({ stray }) => stray).filter((stray) => stray !== undefined);
  if (strays.length === 0) return undefined;
  const every = Math.ceil(strays.length / enough);
  const some = strays.filter((_, index) => index % every === 0);
  const size = wrappedSize(image.bytes, bad, await findDisplacements(image, some, signal));
  if (size === undefined) return undefined;
  // Everything before the last `size` bytes would be lost; old content in a few places tells another story.
  const spared = right.filter((offset) => offset < image.bytes - size - blockBytes);
  return spared.length < bad.length ? size : undefined;
}

/** Writes the first bad blocks once more, all before the first is read, so that no small cache answers for the card. */
async function writeAgain(medium: Medium, bad: readonly BadBlock[], signal: AbortSignal): Promise<Verdict> {
  const blocks = bad.map(({ wanted }) => wanted).filter((wanted) => wanted !== undefined);
  for (const { offset, bytes } of blocks) {
    signal.throwIfAborted();
    const failure = await medium.write(offset, bytes);
    if (isFailure(failure)) return { kind: "write-failed", failure };
  }
  const failure = await medium.flush();
  if (isFailure(failure)) return { kind: "write-failed", failure };
  for (const { offset, bytes } of blocks) {
    const got = await medium.read(offset, bytes.length);
    if (isFailure(got)) return { kind: "read-failed", failure: got };
    if (!got.equals(bytes)) return { kind: "worn", offset: placeOf(bad, offset), places: bad.length };
  }
  return { kind: "write-lost", offset: bad[0]?.offset ?? 0, places: bad.length };
}

const placeOf = (bad: readonly BadBlock[], offset: number): number =>
  bad.find(({ wanted }) => wanted?.offset === offset)?.offset ?? offset;
