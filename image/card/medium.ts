/** What went wrong between this computer and a card. */
export interface IoFailure {
  readonly kind: "failed";
  readonly operation: "read" | "write" | "flush";
  /** Byte offset on the card. */
  readonly offset: number;
  /** The system's word for it: EIO, ENOSPC, ENODEV. */
  readonly code: string;
  /** The whole disk is no longer there. */
  readonly isGone: boolean;
}

/**
 * What an image is written to and read back from. Offsets and lengths are multiples of `blockBytes`. An answer that is a
 * failure is one of the card, the reader or the cable; mistakes in usage are thrown.
 */
export interface Medium extends AsyncDisposable {
  /** For people: /dev/sdb. */
  readonly name: string;
  /** What it says it holds. */
  readonly bytes: number;
  readonly blockBytes: number;
  /** Whether what is read comes from the medium, and not out of this computer's memory. */
  readonly isDirect: boolean;
  read(offset: number, length: number): Promise<Buffer | IoFailure>;
  write(offset: number, bytes: Uint8Array): Promise<IoFailure | undefined>;
  /** Resolves when everything that was written is said to be on the medium. */
  flush(): Promise<IoFailure | undefined>;
}

export function isFailure(answer: Buffer | IoFailure | undefined): answer is IoFailure {
  return answer !== undefined && !Buffer.isBuffer(answer);
}
