import { Fault } from "../../domain/fault.ts";
import type { Secret } from "../../domain/secret.ts";

export interface MqttOptions {
  /** `mqtt://host:1883` or `mqtts://host:8883`, without user and password; a cluster's brokers are tried in turn. */
  readonly brokers: readonly string[];
  readonly username?: string;
  readonly password?: Secret;
  /** Certificates (PEM) that the broker's is checked against, instead of the system's. */
  readonly ca?: string;
  /** This device's own certificate and key (PEM), for brokers that ask for one. */
  readonly certificate?: string;
  readonly key?: Secret;
  /** 1 to 64 letters, digits, _ and -; in every topic and in the client id, so it must be this device's alone. */
  readonly deviceId: string;
  /** First level or levels of every topic. */
  readonly baseTopic: string;
  /** False takes the device out of Home Assistant again. */
  readonly homeAssistant: boolean;
  /** Where Home Assistant looks for devices. */
  readonly discoveryPrefix: string;
  /** Names of all outputs that can be published to. */
  readonly destinations: readonly string[];
  /** spotlive's own version. */
  readonly version: string;
}

export interface Broker {
  /** As a person wrote it; shown in logs. */
  readonly url: string;
  readonly protocol: "mqtt" | "mqtts";
  readonly host: string;
  readonly port: number;
}

/** Gives the brokers; throws `config-invalid` for options that could never work. */
export function checkOptions(options: MqttOptions): readonly [Broker, ...Broker[]] {
  const { baseTopic, deviceId, discoveryPrefix } = options;
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(deviceId))
    throw invalid(`the device id to be 1 to 64 letters, digits, _ and -, got ${JSON.stringify(deviceId)}`);
  for (const prefix of [baseTopic, discoveryPrefix])
    if (!/^[\w.-]+(\/[\w.-]+){0,7}$/.test(prefix) || prefix.length > 128)
      throw invalid(`a topic prefix like site/spotlive, got ${JSON.stringify(prefix)}`);
  if (baseTopic === discoveryPrefix)
    throw invalid(`base topic and discovery prefix to differ, got ${baseTopic} twice`);
  const [first, ...others] = options.brokers.map(parseBroker);
  if (first === undefined) throw invalid("at least one broker like mqtt://192.168.1.5:1883, got none");
  return [first, ...others];
}

function parseBroker(text: string): Broker {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && (url.username !== "" || url.password !== ""))
    throw invalid("a broker without user and password in its URL; they have settings of their own");
  const protocol = url?.protocol.slice(0, -1);
  if (url === undefined || (protocol !== "mqtt" && protocol !== "mqtts") || url.hostname === "")
    throw invalid(`a broker like mqtt://192.168.1.5:1883 or mqtts://host:8883, got ${JSON.stringify(text)}`);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = url.port === "" ? (protocol === "mqtts" ? 8883 : 1883) : Number(url.port);
  return { url: `${protocol}://${url.hostname}:${port}`, protocol, host, port };
}

function invalid(expected: string): Fault {
  return new Fault("config-invalid", `MQTT: expected ${expected}.`);
}
