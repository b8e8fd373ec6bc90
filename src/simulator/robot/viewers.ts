import type { NetworkFaults } from "./network.ts";
import type { RobotOptions } from "./options.ts";
import { createViewer } from "./viewer.ts";
import type { Frame, Viewer } from "./viewer.ts";

/** Everybody who looks at the camera's one picture, and what they did. */
export class Viewers {
  onPli: () => void = () => {};
  readonly #options: RobotOptions;
  readonly #viewers = new Set<Viewer>();
  #network: NetworkFaults;
  #made = 0;
  #connectedEver = 0;
  #plis = 0;
  #nackedPackets = 0;
  #gone = { packets: 0, lost: 0 };

  constructor(options: RobotOptions) {
    this.#options = options;
    this.#network = { lossPercent: options.lossPercent, reorderPercent: options.reorderPercent };
  }

  /** How many are connected now. */
  get connected(): number {
    let connected = 0;
    for (const viewer of this.#viewers) if (viewer.connected) connected += 1;
    return connected;
  }

  get counters() {
    let { packets, lost } = this.#gone;
    for (const { counters } of this.#viewers) {
      packets += counters.packets;
      lost += counters.lost;
    }
    return {
      packets,
      lostPackets: lost,
      nackedPackets: this.#nackedPackets,
      plis: this.#plis,
      viewers: this.connected,
      viewersEver: this.#connectedEver,
    };
  }

  /** A new one, who must still answer the offer. */
  async create(): Promise<Viewer> {
    this.#made += 1;
    const viewer = await createViewer(this.#options, this.#options.seed + this.#made - 1, {
      onPli: () => {
        this.#plis += 1;
        this.onPli();
      },
      onNack: (packets) => {
        this.#nackedPackets += packets;
      },
      onConnected: () => {
        this.#connectedEver += 1;
      },
    });
    viewer.faults = this.#network;
    this.#viewers.add(viewer);
    void viewer.ended.then(() => {
      this.#viewers.delete(viewer);
      this.#gone.packets += viewer.counters.packets;
      this.#gone.lost += viewer.counters.lost;
    });
    return viewer;
  }

  setNetwork(faults: Partial<NetworkFaults>): void {
    this.#network = { ...this.#network, ...faults };
    for (const viewer of this.#viewers) viewer.faults = this.#network;
  }

  sendPicture(frame: Frame): void {
    for (const viewer of this.#viewers) viewer.sendPicture(frame);
  }

  sendSound(packet: Uint8Array, seconds: number): void {
    for (const viewer of this.#viewers) viewer.sendSound(packet, seconds);
  }

  sendReports(seconds: number, unixSeconds: number): void {
    for (const viewer of this.#viewers) viewer.sendReports(seconds, unixSeconds);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#viewers].map((viewer) => viewer.close()));
  }
}
