import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { IPublishPacket } from "mqtt";
import type { StatusEvent } from "../../domain/status.ts";
import type { SurfaceContext } from "../surface.ts";
import { CommandReceiver } from "./commands.ts";
import type { Connection } from "./connection.ts";
import type { MqttOptions } from "./options.ts";
import { Publisher } from "./publisher.ts";
import type { Topics } from "./topics.ts";
import { untilAborted } from "../../lib/signals.ts";

const telemetryMs = 1000;
/** Events of one moment make one message. */
const settleMs = 20;
const selfTestMs = 5000;
const goodbyeMs = 1000;

/** Serves one connection: resolves when aborted, having said goodbye; rejects with the fault that ended it. */
export async function serveConnection(
  connection: Connection,
  options: MqttOptions,
  topics: Topics,
  context: SurfaceContext,
  signal: AbortSignal,
): Promise<void> {
  const { client } = connection;
  const { log } = context;
  const publisher = new Publisher(connection, options, topics, log);
  const commands = new CommandReceiver(context, options, topics, publisher);
  const nonce = randomUUID();
  const heardMyself = Promise.withResolvers<void>();
  const later = createTimers();

  const announce = (again: boolean): void => {
    const status = context.status();
    publisher.announce(status, again);
    publisher.state(status);
  };
  const onMessage = (topic: string, payload: Buffer, packet: IPublishPacket): void => {
    if (topic === topics.birth) {
      if (!packet.retain && payload.toString() === "online")
        later.once("announce", settleMs, () => announce(true));
    } else if (topic === topics.selfTest) {
      if (payload.toString() === nonce) heardMyself.resolve();
    } else void commands.receive(topic, payload, packet);
  };
  const onEvent = (event: StatusEvent): void => {
    if (isCounter(event)) return;
    later.once("state", settleMs, () => announce(false));
  };

  client.on("message", onMessage);
  context.subscribe(onEvent, signal);
  try {
    const aborted = untilAborted(signal);
    const started = start();
    await Promise.race([
      aborted,
      connection.lost.then((fault) => Promise.reject(fault)),
      started.then(() => aborted),
    ]);
    await Promise.race([publisher.offline(), sleep(goodbyeMs, undefined, { ref: false }), connection.lost]);
  } finally {
    later.end();
    client.off("message", onMessage);
  }

  async function start(): Promise<void> {
    await subscribe();
    await publisher.online();
    announce(true);
    later.every(telemetryMs, () => {
      // Also what changes without an event: a camera that was moved by somebody else, a lock.
      announce(false);
      publisher.telemetry(context.status());
    });
    publisher.telemetry(context.status());
    await testMyself();
  }

  async function subscribe(): Promise<void> {
    const filters = [topics.plainCommands, topics.command];
    // MQTT 5, 3.8.3.1: retained messages are not sent at the time of the subscription, and later ones keep their mark.
    await client.subscribeAsync(filters, { qos: 1, rh: 2, rap: true }).catch(() => deaf());
    const { birth } = topics;
    if (birth !== undefined)
      await client.subscribeAsync(birth, { qos: 0, rh: 2 }).catch(() => {
        if (client.connected)
          log.warn(`The MQTT broker refused ${birth}; a restart of Home Assistant goes unnoticed.`);
      });
  }

  /** A broker may grant a subscription and then deliver nothing: rights show only in a message that arrives. */
  async function testMyself(): Promise<void> {
    const sent = await publisher.send(topics.selfTest, nonce, { qos: 1 });
    const heard = heardMyself.promise.then(() => true);
    if (!sent || !(await Promise.race([heard, sleep(selfTestMs, false, { ref: false })]))) deaf();
  }

  function deaf(): void {
    if (signal.aborted || !client.connected) return;
    log.warn(
      { code: "surface-refused" },
      `The MQTT broker does not deliver commands to this device. Give its user the right to read and write ${topics.root}/#.`,
    );
  }
}

function isCounter({ type }: StatusEvent): boolean {
  return type === "source-progress" || type === "output-progress" || type === "output-queue";
}

/** Timers that end together. */
function createTimers() {
  const running = new Map<string, NodeJS.Timeout>();
  let interval: NodeJS.Timeout | undefined;
  let ended = false;
  return {
    /** Calls once, `milliseconds` after the first of many askings. */
    once(name: string, milliseconds: number, call: () => void): void {
      if (ended || running.has(name)) return;
      const timer = setTimeout(() => {
        running.delete(name);
        call();
      }, milliseconds);
      running.set(name, timer);
    },
    every(milliseconds: number, call: () => void): void {
      if (!ended) interval = setInterval(call, milliseconds);
    },
    end(): void {
      ended = true;
      clearInterval(interval);
      for (const timer of running.values()) clearTimeout(timer);
      running.clear();
    },
  };
}
