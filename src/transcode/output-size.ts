import type { TranscodeTarget } from "../domain/verdict.ts";

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** Even, as 4:2:0 asks for. */
export const even = (value: number): number => Math.max(2, 2 * Math.round(value / 2));

/** The size that the output has and keeps, whatever becomes of the input's. */
export function outputSize(
  target: Pick<TranscodeTarget, "width" | "height">,
  input: PictureSize,
): PictureSize {
  const { width, height } = target;
  return {
    width: even(width ?? (height === undefined ? input.width : (height * input.width) / input.height)),
    height: even(height ?? (width === undefined ? input.height : (width * input.height) / input.width)),
  };
}
