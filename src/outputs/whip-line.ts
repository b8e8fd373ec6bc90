import type { Unit, VideoUnit } from "../domain/media.ts";
import type { Report } from "../domain/status.ts";
import { nowUs } from "../lib/clock.ts";
import { toRtpPayloads } from "../media/rtp-payloads.ts";
import type { OutputMeter } from "./output-meter.ts";
import type { PeerSending } from "./webrtc/peer.ts";
import { RtpStream, toRtpTimestamp } from "./webrtc/rtp-stream.ts";

/** Packets a millisecond: 29 Mbit/s, so that a keyframe does not overrun the queues of routers on the way. */
const pace = 3;
/** Beyond this, pictures wait in the queue in front of us, where they can be dropped. */
const mostWaitingBytes = 65_536;

export interface WhipLineOptions {
  readonly name: string;
  readonly sending: PeerSending;
  readonly meter: OutputMeter;
  readonly report: Report;
}

/** One published connection: takes units, sends the pictures, counts. */
export class WhipLine implements Disposable {
  readonly #options: WhipLineOptions;
  readonly #stream: RtpStream;
  readonly #startedUs = nowUs();
  #needsKeyframe = true;
  #hasWarned = false;
  #isOver = false;

  constructor(options: WhipLineOptions) {
    this.#options = options;
    const { sender, send, report } = options.sending;
    this.#stream = new RtpStream({
      sender,
      send,
      report: (content) => {
        report(content);
        this.#report();
      },
      onHeavyLoss: () => this.#skipToKeyframe(),
    });
  }

  /** Sends until the units end, or the disposal. */
  async pump(units: AsyncIterable<Unit>): Promise<undefined> {
    for await (const unit of units) {
      if (this.#isOver) return;
      if (unit.kind !== "video") continue;
      this.#send(unit);
      if (this.#stream.waitingBytes > mostWaitingBytes) await this.#stream.drained();
    }
    await this.#stream.drained();
  }

  /** The server has lost these packets: 16-bit sequence numbers. */
  repeat(sequences: readonly number[]): void {
    this.#stream.repeat(sequences);
  }

  [Symbol.dispose](): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stream[Symbol.dispose]();
    this.#report();
    this.#options.meter.closeConnection(this.#options.sending.sender.sent.octets, undefined);
  }

  #send(unit: VideoUnit): void {
    if (unit.keyframe && unit.damaged === undefined) this.#needsKeyframe = false;
    if (this.#needsKeyframe) return;
    const timestamp = toRtpTimestamp(unit.ptsUs);
    this.#stream.setClock(timestamp, unit.receivedUs);
    this.#stream.push({ payloads: toRtpPayloads(unit.nalus), bytes: unit.avcc.length, timestamp, pace });
    this.#stream.flush();
    // A picture replayed from the GOP cache is older than this connection: its age is no latency of ours.
    const latencyUs = unit.receivedUs < this.#startedUs ? undefined : nowUs() - unit.receivedUs;
    this.#options.meter.countPicture(latencyUs);
  }

  /** What a full uplink loses is sent again, which fills it more: a pause up to the next keyframe ends that. */
  #skipToKeyframe(): void {
    this.#stream.skip();
    this.#needsKeyframe = true;
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const { name, report } = this.#options;
    const text =
      "The way to the server loses more than 30 % of the packets: pictures are left out up to the next keyframe. Ask less of the camera.";
    report({ type: "notice", part: `output/${name}`, severity: "warning", text });
  }

  #report(): void {
    const { name, meter, report, sending } = this.#options;
    const counters = meter.read(sending.sender.sent.octets, undefined, this.#stream.waitingBytes);
    report({ type: "output-progress", name, counters });
  }
}
