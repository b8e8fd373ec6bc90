import type { IoFailure } from "./medium.ts";

/** What may be at fault. */
export type Suspect = "card" | "image" | "reader" | "power" | "computer";

/** What was found out about a card, a reader and an image. Offsets and sizes in bytes. */
export type Verdict =
  | { readonly kind: "proven" }
  /** Found before anything was written. */
  | { readonly kind: "image-damaged"; readonly text: string }
  /** The image file gave other bytes while it was being written or compared. */
  | { readonly kind: "image-changed"; readonly text: string }
  /** A write, or what makes it lasting, failed. */
  | { readonly kind: "write-failed"; readonly failure: IoFailure }
  | { readonly kind: "read-failed"; readonly failure: IoFailure }
  /** The same place gave different bytes at each reading. */
  | { readonly kind: "reads-differ"; readonly offset: number }
  /** Wrong at first, and right after it was written once more. */
  | { readonly kind: "write-lost"; readonly offset: number; readonly places: number }
  /** Wrong, and wrong again after it was written once more. */
  | { readonly kind: "worn"; readonly offset: number; readonly places: number }
  /** Less is there than the card says: what is written beyond lands elsewhere, or nowhere. */
  | {
      readonly kind: "fake-capacity";
      readonly claimedBytes: number;
      /** What it really has, as well as could be told. */
      readonly realBytes: number;
    };
