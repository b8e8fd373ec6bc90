import { UplinkController } from "../../src/supervisor/adapt/controller.ts";

/** What the line carries, bits per second, at a time in seconds. */
export type Uplink = (seconds: number) => number;

export interface ModelOptions {
  readonly ceiling?: number;
  readonly floor?: number;
  /** What the way takes there and back, milliseconds. */
  readonly roundTripMs?: number;
  /** From a new target to the camera's first picture made by it, milliseconds. */
  readonly cameraLagMs?: number;
  /** Bytes that the kernel takes before the rest stays with us. */
  readonly kernelBytes?: number;
  /** Whether a lost packet keeps what arrives now from being acknowledged. */
  readonly hole?: (seconds: number) => boolean;
  /** The share of it that is acknowledged nevertheless, 0 to 1: lost packets come again one by one. */
  readonly holeShare?: number;
  /** How many times as large as other pictures an IDR is. */
  readonly idrWeight?: number;
}

/** One tenth of a second of the model's life. */
export interface ModelTick {
  readonly seconds: number;
  readonly target: number;
  readonly capacity: number;
  /** Age of the oldest picture on our side, of which a part may be left only, milliseconds. */
  readonly ageMs: number;
  readonly droppedPictures: number;
}

const fps = 30;
const gopPictures = 60;
const limitMs = 1500;
const everyPictures = 7; // about four moments a second

/**
 * A camera, our queue, the kernel's and a line, as bytes and time alone. Pictures older than the queue's limit are
 * dropped with their tail, as `UnitQueue` does it.
 */
export function runUplinkModel(seconds: number, uplink: Uplink, options: ModelOptions = {}): ModelTick[] {
  const { ceiling = 8e6, floor = 4e5, roundTripMs = 20, cameraLagMs = 800 } = options;
  const { kernelBytes = 160_000, idrWeight = 5, hole = () => false, holeShare = 0 } = options;
  const controller = new UplinkController();
  const ticks: ModelTick[] = [];
  const changes: { readonly at: number; readonly rate: number }[] = [{ at: -1, rate: ceiling }];
  let queue: { readonly at: number; bytes: number; readonly idr: boolean }[] = [];
  const onTheWay: number[] = [];
  let inKernel: { readonly at: number; bytes: number }[] = [];
  let delivered = 0;
  let acknowledged = 0;
  let dropped = 0;
  let needsIdr = false;
  let target = ceiling;
  let inputs: { readonly at: number; readonly bytes: number }[] = [];
  let seed = 7;
  const random = (): number => ((seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647) * 2 - 1;

  for (let n = 0; n < seconds * fps; n += 1) {
    const at = n / fps;
    const rate = changes.findLast((change) => change.at <= at)?.rate ?? ceiling;
    const idr = n % gopPictures === 0;
    const weight = (idr ? idrWeight : 1) * (gopPictures / (gopPictures - 1 + idrWeight));
    const bytes = ((rate / 8 / fps) * weight * (1 + 0.1 * random())) | 0;
    inputs = [...inputs, { at, bytes }].filter((input) => at - input.at < 2);
    if (idr) needsIdr = false;
    if (needsIdr) dropped += 1;
    else queue.push({ at, bytes, idr });
    if (at - (queue[0]?.at ?? at) > limitMs / 1000) {
      const keep = idr ? queue.slice(-1) : [];
      dropped += queue.length - keep.length;
      queue = keep;
      needsIdr = keep.length === 0;
    }
    const capacity = uplink(at);
    const sent = takeBytes(inKernel, capacity / 8 / fps);
    inKernel = inKernel.filter(({ bytes }) => bytes > 0);
    onTheWay.push(sent);
    while (onTheWay.length > (roundTripMs / 1000) * fps) delivered += onTheWay.shift() ?? 0;
    acknowledged = hole(at) ? Math.min(delivered, acknowledged + sent * holeShare) : delivered;
    while (sumBytes(inKernel) < kernelBytes) {
      const picture = queue.shift();
      if (picture === undefined) break;
      inKernel.push(picture);
    }
    if (n % everyPictures === 0) {
      const unsent = sumBytes(inKernel) + sumBytes(queue);
      const waitingBytes = onTheWay.reduce((sum, bytes) => sum + bytes, unsent + delivered - acknowledged);
      const input = (sumBytes(inputs) * 8) / Math.min(2, at + 1 / fps);
      const moment = { atUs: Math.round(at * 1e6), waitingBytes, deliveredBytes: acknowledged, roundTripMs };
      const next = controller.next(moment, input, { floor, ceiling });
      if (Math.abs(next - target) > 1) {
        target = next;
        changes.push({ at: at + cameraLagMs / 1000, rate: target });
      }
    }
    const ageMs = (at - (inKernel[0]?.at ?? queue[0]?.at ?? at)) * 1000;
    ticks.push({ seconds: at, target, capacity, ageMs, droppedPictures: dropped });
  }
  return ticks;
}

function sumBytes(pieces: readonly { readonly bytes: number }[]): number {
  return pieces.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Takes up to so many bytes, the oldest first; gives how many there were. */
function takeBytes(pieces: readonly { bytes: number }[], most: number): number {
  let left = most;
  for (const piece of pieces) {
    const taken = Math.min(piece.bytes, left);
    piece.bytes -= taken;
    left -= taken;
  }
  return most - left;
}
