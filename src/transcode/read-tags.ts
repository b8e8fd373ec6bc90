import type { Readable } from "node:stream";
import { Fault } from "../domain/fault.ts";
import { FlvReader } from "../media/flv-reader.ts";
import type { FlvTag } from "../media/flv-reader.ts";

/** Resolves at the end of `stdout`, however it comes: the child's end tells why. Rejects with a `Fault` for what is no FLV. */
export async function readTags(
  stdout: Readable,
  signal: AbortSignal,
  take: (tag: FlvTag) => void,
): Promise<void> {
  const reader = new FlvReader();
  try {
    for await (const chunk of stdout as AsyncIterable<Buffer>) {
      for (const tag of reader.push(chunk)) {
        if (signal.aborted) return;
        take(tag);
      }
    }
  } catch (error) {
    if (error instanceof Fault) throw error;
  }
}
