import { randomUUID } from "node:crypto";
import type { IPublishPacket } from "mqtt";
import type { Result } from "../../domain/command.ts";
import { summarize } from "../../domain/fault.ts";
import type { SurfaceContext } from "../surface.ts";
import type { MqttOptions } from "./options.ts";
import type { Publisher } from "./publisher.ts";
import { isPlainCommand, readCommand, type IncomingCommand } from "./read-command.ts";
import type { Topics } from "./topics.ts";

/** Of one topic, so that a flood of camera moves cannot keep a `lock` or a `stop` out. */
const mostInFlight = 16;
const rememberedPackets = 64;

/** Turns the messages of one connection into requests, and what came of them into replies. */
export class CommandReceiver {
  readonly #context: SurfaceContext;
  readonly #options: MqttOptions;
  readonly #topics: Topics;
  readonly #publisher: Publisher;
  readonly #connectionId = randomUUID().slice(0, 8);
  readonly #idByPacket = new Map<number, string>();
  readonly #warned = new Set<string>();
  #count = 0;
  readonly #inFlight = new Map<string, number>();

  constructor(context: SurfaceContext, options: MqttOptions, topics: Topics, publisher: Publisher) {
    this.#context = context;
    this.#options = options;
    this.#topics = topics;
    this.#publisher = publisher;
  }

  /** Never throws and never rejects; resolves when the request was carried out and answered. */
  async receive(topic: string, payload: Uint8Array, packet: IPublishPacket): Promise<void> {
    // Nothing is what a retained message is removed with.
    if (payload.length === 0) return;
    if (packet.retain) {
      // It would come again with every connection: start, from weeks ago.
      this.#warnOnce(
        `A retained command on ${topic} was refused. Remove it: publish an empty retained message there.`,
      );
      return;
    }
    const slot = topic === this.#topics.command || isPlainCommand(topic, this.#topics) ? topic : "other";
    const inFlight = this.#inFlight.get(slot) ?? 0;
    if (inFlight >= mostInFlight) {
      this.#warnOnce(`Commands on ${slot} come in faster than they are carried out; some were dropped.`);
      return;
    }
    this.#inFlight.set(slot, inFlight + 1);
    const message = incoming(topic, payload, packet.properties);
    try {
      const result = await this.#carryOut(message, this.#nextId(packet));
      await this.#reply(result, message);
    } finally {
      this.#inFlight.set(slot, (this.#inFlight.get(slot) ?? 1) - 1);
    }
  }

  async #carryOut(message: IncomingCommand, id: string): Promise<Result> {
    const read = readCommand(message, this.#topics, this.#options.destinations, id);
    if (!read.ok) return { ok: false, id: read.id, fault: summarize(read.fault) };
    return await this.#context.submit(read.request);
  }

  async #reply(result: Result, { responseTopic, correlationData }: IncomingCommand): Promise<void> {
    const payload = JSON.stringify(result);
    if (responseTopic === undefined) {
      await this.#publisher.send(this.#topics.result, payload, { qos: 1 });
    } else if (this.#mayAnswerOn(responseTopic)) {
      const properties = correlationData !== undefined && { correlationData: Buffer.from(correlationData) };
      await this.#publisher.send(responseTopic, payload, { qos: 1, ...(properties && { properties }) });
    } else {
      this.#warnOnce("A response topic was refused: it is one that commands or configuration are read from.");
    }
  }

  /** The sender chooses this topic, but it is written to with this device's rights. */
  #mayAnswerOn(topic: string): boolean {
    const prefix = `${this.#options.discoveryPrefix}/`;
    const shape = topic.length > 0 && topic.length <= 256 && !/[+#\0]|^\$/.test(topic);
    return shape && !topic.startsWith(prefix) && !/\/(set|command)$/.test(topic);
  }

  /** A packet that the broker delivers again (DUP, MQTT 3.3.1.1) is the request that it was the first time. */
  #nextId({ dup, messageId }: IPublishPacket): string {
    const known = dup && messageId !== undefined ? this.#idByPacket.get(messageId) : undefined;
    if (known !== undefined) return known;
    this.#count += 1;
    const id = `mqtt-${this.#connectionId}-${this.#count}`;
    if (messageId !== undefined) {
      this.#idByPacket.delete(messageId);
      this.#idByPacket.set(messageId, id);
      const [oldest] = this.#idByPacket.keys();
      if (this.#idByPacket.size > rememberedPackets && oldest !== undefined) this.#idByPacket.delete(oldest);
    }
    return id;
  }

  #warnOnce(text: string): void {
    if (this.#warned.has(text) || this.#warned.size >= 32) return;
    this.#warned.add(text);
    this.#context.log.warn(text);
  }
}

function incoming(
  topic: string,
  payload: Uint8Array,
  properties: IPublishPacket["properties"] = {},
): IncomingCommand {
  const { responseTopic, correlationData, messageExpiryInterval } = properties;
  return {
    ...{ topic, payload },
    ...(responseTopic !== undefined && { responseTopic }),
    ...(correlationData !== undefined && { correlationData }),
    ...(messageExpiryInterval !== undefined && { messageExpiryInterval }),
  };
}
