import type { IPublishPacket, MqttClient } from "mqtt";
import type { Status } from "../../domain/status.ts";
import type { Log } from "../../lib/log.ts";
import type { Connection } from "./connection.ts";
import { deviceDiscovery } from "./discovery.ts";
import type { MqttOptions } from "./options.ts";
import { bootTimesOf, stateOf, telemetryOf } from "./state.ts";
import type { Topics } from "./topics.ts";

export interface PublishOptions {
  readonly retain?: boolean;
  /** 1 where the broker's refusal must be noticed. */
  readonly qos?: 0 | 1;
  readonly properties?: IPublishPacket["properties"];
}

/** Beyond this a broker that does not read is not written to. */
const mostUnsentBytes = 1_048_576;

/** Says what is, on one connection; what has not changed is not said again. */
export class Publisher {
  readonly #client: MqttClient;
  readonly #options: MqttOptions;
  readonly #topics: Topics;
  readonly #log: Log;
  #announced = "";
  readonly #said = new Map<string, string>();
  readonly #warned = new Set<string>();

  constructor(connection: Connection, options: MqttOptions, topics: Topics, log: Log) {
    this.#client = connection.client;
    this.#options = options;
    this.#topics = topics;
    this.#log = log;
  }

  /** Resolves when the broker has it (QoS 1) or it was written (QoS 0); false when it was refused or dropped. */
  send(topic: string, payload: string, options: PublishOptions = {}): Promise<boolean> {
    if (!this.#client.connected) return Promise.resolve(false);
    if (this.#client.stream.writableLength > mostUnsentBytes) {
      this.#warnOnce("slow", "The MQTT broker does not take what is sent; messages to it are dropped.");
      return Promise.resolve(false);
    }
    return new Promise((resolve) => {
      this.#client.publish(topic, payload, { qos: 0, retain: false, ...options }, (error) => {
        const { code } = (error ?? {}) as { readonly code?: unknown };
        if (typeof code === "number") this.#warnOnce(topic, `The MQTT broker refused a message to ${topic}.`);
        resolve(error === undefined || error === null);
      });
    });
  }

  async online(): Promise<void> {
    await this.send(this.#topics.availability, "online", { retain: true, qos: 1 });
  }

  async offline(): Promise<void> {
    await this.send(this.#topics.availability, "offline", { retain: true, qos: 1 });
  }

  /** Tells Home Assistant about the device, or takes it away; `again` also when nothing has changed. */
  announce({ camera }: Status, again: boolean): void {
    const key = JSON.stringify([camera?.can, camera?.screens, camera?.presets]);
    if (!again && key === this.#announced) return;
    this.#announced = key;
    const away = !this.#options.homeAssistant;
    const payload = away ? "" : JSON.stringify(deviceDiscovery(this.#options, camera));
    void this.send(this.#topics.discovery, payload, { retain: true, qos: 1 });
  }

  state(status: Status): void {
    this.#sayIfNew(this.#topics.state, JSON.stringify(stateOf(status, this.#options)));
    if (status.boot !== undefined)
      this.#sayIfNew(this.#topics.boot, JSON.stringify(bootTimesOf(status.boot)));
  }

  telemetry(status: Status): void {
    this.#sayIfNew(this.#topics.telemetry, JSON.stringify(telemetryOf(status)));
  }

  #sayIfNew(topic: string, payload: string): void {
    if (this.#said.get(topic) === payload) return;
    this.#said.set(topic, payload);
    void this.send(topic, payload, { retain: true });
  }

  /** Bounded: response topics are chosen by others. */
  #warnOnce(key: string, text: string): void {
    if (this.#warned.has(key) || this.#warned.size >= 32) return;
    this.#warned.add(key);
    this.#log.warn(text);
  }
}
