import { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { IClientOptions, MqttClient } from "mqtt";
import { Fault } from "../../domain/fault.ts";
import type { Broker, MqttOptions } from "./options.ts";
import type { Topics } from "./topics.ts";

/** One connection to a broker; it never reconnects by itself. */
export interface Connection extends AsyncDisposable {
  readonly client: MqttClient;
  readonly mqtt5: boolean;
  /** Resolves with the reason when the connection is lost. Never rejects. */
  readonly lost: Promise<Fault>;
}

/** Shorter than what the retry policy calls healthy. */
const connectMs = 8000;
const keepaliveSeconds = 15;
const goodbyeMs = 500;
/** What the broker may send at once and unacknowledged (MQTT 5, 3.1.2.11). */
const limits = { receiveMaximum: 32, maximumPacketSize: 65_536 };

/**
 * Connects with MQTT 5, and with 3.1.1 where the broker does not know it. Rejects with `surface-refused` when it says
 * no (user, password, certificate), `surface-unreachable` otherwise, and with any fault on abort.
 */
export async function connectBroker(
  broker: Broker,
  options: MqttOptions,
  topics: Topics,
  signal: AbortSignal,
): Promise<Connection> {
  const { connect } = await import("mqtt");
  const aborted = new Promise<Error>((resolve) => {
    signal.addEventListener("abort", () => resolve(new Error("aborted")), { once: true });
  });
  const open = async (version: 4 | 5): Promise<Connection | "unknown-version"> => {
    signal.throwIfAborted();
    const client = connect(clientOptions(broker, options, topics, version));
    const connected = new Promise<"connected">((resolve) =>
      client.once("connect", () => resolve("connected")),
    );
    const failure = watch(client);
    const outcome = await Promise.race([connected, failure, aborted]);
    if (outcome !== "connected") {
      client.end(true);
      if (version === 5 && isVersionTrouble(outcome)) return "unknown-version";
      throw explain(broker, outcome);
    }
    // A command's answer must not wait for the acknowledgement of the last one (Nagle).
    if (client.stream instanceof Socket) client.stream.setNoDelay();
    const lost = failure.then(
      (error) =>
        new Fault("surface-unreachable", `The connection to ${broker.url} was lost: ${reasonOf(error)}.`),
    );
    return { client, mqtt5: version === 5, lost, [Symbol.asyncDispose]: () => end(client) };
  };
  const first = await open(5);
  if (first !== "unknown-version") return first;
  const second = await open(4);
  if (second !== "unknown-version") return second;
  throw explain(broker, undefined);
}

function clientOptions(
  broker: Broker,
  options: MqttOptions,
  topics: Topics,
  protocolVersion: 4 | 5,
): IClientOptions {
  const { username, password, ca, certificate, key } = options;
  return {
    ...{ protocol: broker.protocol, host: broker.host, hostname: broker.host, port: broker.port },
    ...{
      protocolVersion,
      clientId: `spotlive-${options.deviceId}`,
      clean: true,
      keepalive: keepaliveSeconds,
    },
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password: password.reveal() }),
    ...(ca !== undefined && { ca }),
    ...(certificate !== undefined && { cert: certificate }),
    ...(key !== undefined && { key: key.reveal() }),
    ...(protocolVersion === 5 && { properties: limits }),
    // lib/retry is the only retry loop; a message of an earlier connection is never sent again on the next.
    ...{ reconnectPeriod: 0, connectTimeout: connectMs, queueQoSZero: false, resubscribe: false },
    will: { topic: topics.availability, payload: Buffer.from("offline"), qos: 1, retain: true },
  };
}

/** Resolves with the first thing that went wrong: an error, a packet of farewell, or nothing but the end. */
function watch(client: MqttClient): Promise<unknown> {
  const failed = Promise.withResolvers<unknown>();
  let reason: unknown;
  client.on("disconnect", (packet) => (reason = packet));
  // Stays for the client's whole life: an error without a listener would end the process.
  client.on("error", (error) => failed.resolve(reason ?? error));
  client.on("close", () => failed.resolve(reason));
  return failed.promise;
}

async function end(client: MqttClient): Promise<void> {
  if (client.connected) {
    const left = new Promise<void>((resolve) => client.end(() => resolve()));
    await Promise.race([left, sleep(goodbyeMs, undefined, { ref: false })]);
  }
  client.end(true);
  client.stream.destroy();
}

/** Unacceptable protocol version: 1 in MQTT 3.1.1 (3.2.2.3), 132 in MQTT 5; some brokers just hang up. */
function isVersionTrouble(error: unknown): boolean {
  if (error === undefined) return true;
  const { code, syscall } = error as { readonly code?: unknown; readonly syscall?: unknown };
  if (typeof code === "number") return code === 1 || code === 132;
  return code === undefined
    ? !(error instanceof Error && /timeout/i.test(error.message))
    : syscall === "read";
}

function explain(broker: Broker, error: unknown): Fault {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  const reason = reasonOf(error);
  const options = { cause: error };
  if (code === 4 || code === 134 || code === 5 || code === 135)
    return new Fault(
      "surface-refused",
      `The MQTT broker ${broker.url} refused user name or password (${reason}). Check both, and the broker's rights for this user.`,
      options,
    );
  if (code === 2 || code === 133 || code === 138 || code === 140)
    return new Fault(
      "surface-refused",
      `The MQTT broker ${broker.url} refused this device (${reason}).`,
      options,
    );
  if (typeof code === "string" && /CERT|SELF_SIGNED|UNABLE_TO|TLS|SSL|EPROTO/.test(code))
    return new Fault(
      "surface-refused",
      `No trusted connection to the MQTT broker ${broker.url} (${reason}). Check certificates, host name and clock.`,
      options,
    );
  return new Fault(
    "surface-unreachable",
    `The MQTT broker ${broker.url} cannot be reached (${reason}).`,
    options,
  );
}

function reasonOf(error: unknown): string {
  if (error instanceof Error) {
    const { code } = error as { readonly code?: unknown };
    return error.message === "" ? String(code) : error.message;
  }
  const { reasonCode } = (error ?? {}) as { readonly reasonCode?: unknown };
  if (reasonCode === 142) return "another client with the same client id took it over";
  return typeof reasonCode === "number"
    ? `the broker ended it with reason ${reasonCode}`
    : "the broker hung up";
}
