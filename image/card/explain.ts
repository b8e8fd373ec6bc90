import type { IoFailure } from "./medium.ts";
import type { Suspect, Verdict } from "./verdict.ts";
import { gigabytes } from "./words.ts";

export interface Explanation {
  /** The most likely first; empty when all is well. */
  readonly suspects: readonly Suspect[];
  /** What was found, and what it means. */
  readonly text: string;
  readonly advice: string;
}

/** A verdict in plain words. `bytes` is the size of the image. */
export function explain(verdict: Verdict, target: string, bytes: number): Explanation {
  switch (verdict.kind) {
    case "proven":
      return {
        suspects: [],
        text: `All ${bytes} bytes were written to ${target}, read back from it and compared: they are right.`,
        advice: "Take it out, put it into the device and power on.",
      };
    case "image-damaged":
      return { suspects: ["image"], text: verdict.text, advice: "Nothing was written." };
    case "image-changed":
      return {
        suspects: ["computer", "image"],
        text: verdict.text,
        advice: "The card is not to blame, and of no use until it is written anew.",
      };
    case "write-failed":
      return explainWriteFailure(verdict.failure, target);
    case "read-failed":
      return explainReadFailure(verdict.failure, target);
    case "reads-differ":
      return {
        suspects: ["reader", "power"],
        text: `What lies at ${at(verdict.offset)} is other bytes each time it is read: what is between the card and this computer cannot be relied on.`,
        advice:
          "Try another reader, another USB port without a hub, a shorter cable; then write again. If it stays so in another reader, it is the card.",
      };
    case "write-lost":
      return {
        suspects: ["reader", "card", "power"],
        text: `${places(verdict.places, verdict.offset)} not what had been written, although the write was said to be done; written once more it was right. The card or the reader is unstable.`,
        advice:
          "Write again. If it happens again, use another reader; if it happens there too, use another card.",
      };
    case "worn":
      return {
        suspects: ["card"],
        text: `${places(verdict.places, verdict.offset)} not what had been written, and wrong again after being written once more: the card is worn out or a fake.`,
        advice: "Do not use this card. Another one in the same reader shows that the reader is well.",
      };
    case "fake-capacity":
      return {
        suspects: ["card"],
        text: `The card says that it holds ${gigabytes(verdict.claimedBytes)}, and keeps about ${gigabytes(verdict.realBytes)} (${verdict.realBytes} bytes): its capacity is faked.`,
        advice: "Do not use this card, and send it back. Buy from a seller who can name the maker.",
      };
  }
}

function explainWriteFailure({ code, offset, isGone, operation }: IoFailure, target: string): Explanation {
  if (isGone) return gone(target, "written");
  const what = operation === "flush" ? "The end of the writing" : `Writing at ${at(offset)}`;
  return {
    suspects: ["reader", "power", "card"],
    text: `${what} failed (${code}): ${target} did not take what it has room for.`,
    advice:
      "Try another reader and another USB port without a hub. If the same card fails there too, use another card.",
  };
}

function explainReadFailure({ code, offset, isGone }: IoFailure, target: string): Explanation {
  if (isGone) return gone(target, "read");
  return {
    suspects: ["card", "reader"],
    text: `Reading back at ${at(offset)} failed (${code}): the card cannot give back what was written there.`,
    advice:
      "Try the same card in another reader. If it fails at the same place, the card is worn out: use another one.",
  };
}

function gone(target: string, verb: string): Explanation {
  return {
    suspects: ["reader", "power"],
    text: `${target} vanished while it was being ${verb}: the reader lost its connection or its power, or the card was taken out.`,
    advice: "Use another USB port without a hub, or another reader, and write again.",
  };
}

const at = (offset: number): string => `byte ${offset} (${gigabytes(offset)})`;

function places(count: number, first: number): string {
  return count === 1 ? `One place, at ${at(first)}, was` : `${count} places, the first at ${at(first)}, were`;
}
