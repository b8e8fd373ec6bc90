import { ahead } from "./blocks.ts";
import type { OnBytes } from "./blocks.ts";
import type { Image } from "./image-file.ts";
import { isFailure } from "./medium.ts";
import type { IoFailure, Medium } from "./medium.ts";

/** Writes the whole image; resolves with the first failure. Rejects with a `Fault` when the image file fails. */
export async function writeImage(
  medium: Medium,
  image: Image,
  signal: AbortSignal,
  onBytes: OnBytes,
): Promise<IoFailure | undefined> {
  for await (const { offset, bytes } of ahead(image.blocks())) {
    signal.throwIfAborted();
    const failure = await medium.write(offset, padded(bytes, medium.blockBytes));
    if (isFailure(failure)) return failure;
    onBytes(offset + bytes.length);
  }
  return await medium.flush();
}

/** With zeros up to the next whole block of the medium. */
export function padded(bytes: Buffer, unit: number): Buffer {
  const missing = (unit - (bytes.length % unit)) % unit;
  return missing === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(missing)]);
}
