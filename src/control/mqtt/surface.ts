import { Fault, toFault } from "../../domain/fault.ts";
import { nowUs } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import { retry, type RetryPolicy } from "../../lib/retry.ts";
import type { Surface } from "../surface.ts";
import { connectBroker } from "./connection.ts";
import { checkOptions, type MqttOptions } from "./options.ts";
import { serveConnection } from "./session.ts";
import { topicsOf } from "./topics.ts";

const second = 1000;
const mostReconnectsPerMinute = 3;

/** 1 to 15 s while a broker is away; a minute when it said no, as only a person can change that. */
const retryPolicy: RetryPolicy = {
  healthyAfterMs: 10 * second,
  delayMs(fault, failures) {
    if (isRefusal(fault)) return between(45 * second, 75 * second);
    return between(second / 2, Math.min(15 * second, second * 2 ** Math.min(failures - 1, 4)));
  },
};

/**
 * MQTT, with Home Assistant's device discovery. Throws `config-invalid` for options that could never work; whatever
 * goes wrong later is told in the log and tried again.
 */
export function createMqttSurface(options: MqttOptions): Surface {
  const brokers = checkOptions(options);
  const topics = topicsOf(options);
  return async (context, signal) => {
    const { log } = context;
    const watchTakeover = createTakeoverWatch(log);
    let attempts = 0;
    let lastTold = "";
    await retry(
      async (attempt) => {
        const broker = brokers[attempts % brokers.length] ?? brokers[0];
        attempts += 1;
        try {
          await using connection = await connectBroker(broker, options, topics, attempt);
          log.info(`Connected to ${broker.url} with MQTT ${connection.mqtt5 ? "5" : "3.1.1"}.`);
          lastTold = "";
          watchTakeover();
          await serveConnection(connection, options, topics, context, attempt);
        } catch (error) {
          throw asRetryable(toFault(error, "surface-unreachable"));
        }
      },
      retryPolicy,
      signal,
      {
        onWait(fault, delayMs) {
          const level = lastTold === fault.message ? "debug" : "warn";
          lastTold = fault.message;
          const code = isRefusal(fault) ? "surface-refused" : fault.code;
          log[level]({ code, retryInMs: Math.round(delayMs) }, fault.message);
        },
      },
    );
  };
}

/** A refusal is final for a session, but not for a box that nobody looks at: the broker's user may be made tomorrow. */
function asRetryable(fault: Fault): Fault {
  return fault.retryable ? fault : new Fault("surface-unreachable", fault.message, { cause: fault });
}

function isRefusal({ cause }: Fault): boolean {
  return cause instanceof Fault && cause.code === "surface-refused";
}

/** Two clients with one id throw each other out for ever, and brokers need not say so (MQTT 3.1.1, 3.1.4). */
function createTakeoverWatch(log: Log): () => void {
  let connects: number[] = [];
  return () => {
    const now = nowUs();
    connects = [...connects.filter((at) => now - at < 60 * second * 1000), now];
    if (connects.length <= mostReconnectsPerMinute + 1) return;
    connects = [];
    log.warn(
      "The MQTT broker ended more than 3 connections within a minute. Another client may use the same device id: each must have its own.",
    );
  };
}

function between(lowMs: number, highMs: number): number {
  return lowMs + Math.random() * (highMs - lowMs);
}
