import type { PreviewViewer } from "../../domain/preview.ts";
import { nalType, typeOf } from "../../media/h264.ts";
import { parseSps } from "../../media/sps.ts";
import type { Delivery, Stage } from "./delivery.ts";
import type { Picture } from "./picture.ts";

/** More than this in the process means that the viewer does not keep up. A new one gets less at once (`recentLimits`). */
const mostWaitingBytes = 4 * 1024 * 1024;

/** Whole frames over the connection that the words use, for viewers whom WebRTC does not reach. */
export class SocketDelivery implements Delivery {
  droppedPictures = 0;
  readonly #viewer: PreviewViewer;
  #needsKeyframe = true;
  #parameters: Uint8Array | undefined;

  constructor(viewer: PreviewViewer, stage: Stage) {
    this.#viewer = viewer;
    for (const picture of stage.recent()) this.#send(picture);
    if (this.#needsKeyframe) stage.wantKeyframe();
  }

  show(picture: Picture): void {
    if (this.#viewer.waitingBytes > mostWaitingBytes) this.#needsKeyframe = true;
    else if (picture.isKeyframe) this.#needsKeyframe = false;
    if (this.#needsKeyframe) this.droppedPictures += 1;
    else this.#send(picture);
  }

  [Symbol.dispose](): void {}

  #send(picture: Picture): void {
    this.#needsKeyframe = false;
    if (picture.isKeyframe) this.#tellFormat(picture);
    this.#viewer.sendFrame(picture.frame);
  }

  #tellFormat({ unit }: Picture): void {
    const nalu = unit.nalus.find((one) => typeOf(one) === nalType.sps);
    if (nalu === undefined || (this.#parameters && Buffer.compare(nalu, this.#parameters) === 0)) return;
    this.#parameters = nalu;
    const codec = `avc1.${Buffer.from(nalu.subarray(1, 4)).toString("hex")}`;
    this.#viewer.send({ type: "format", codec, ...readSize(nalu) });
  }
}

/** What cannot be read is left to the browser's decoder, which finds the size in the stream. */
function readSize(sps: Uint8Array): { width: number; height: number } {
  try {
    const { width, height } = parseSps(sps);
    return { width, height };
  } catch {
    return { width: 0, height: 0 };
  }
}
