import type { Picture } from "./picture.ts";

/** What brings pictures to one viewer. It never throws and never waits; disposal ends it. */
export interface Delivery extends Disposable {
  show(picture: Picture): void;
  /** Pictures that were left out as the viewer's connection is too slow. */
  readonly droppedPictures: number;
}

/** What a delivery needs of the preview. */
export interface Stage {
  /** Everything since the last keyframe; empty where there is none, or where that is too long ago. */
  recent(): readonly Picture[];
  /** The viewer cannot begin or go on without a keyframe. */
  wantKeyframe(): void;
  countRepeated(packets: number): void;
}
