import type { MqttOptions } from "./options.ts";

/** Every topic of one device. */
export interface Topics {
  /** `<base>/<deviceId>`. */
  readonly root: string;
  readonly availability: string;
  readonly state: string;
  readonly telemetry: string;
  readonly boot: string;
  readonly result: string;
  /** Commands in JSON. */
  readonly command: string;
  /** Filter over all plain command topics. */
  readonly plainCommands: string;
  /** The device's message to itself; matched by `plainCommands`, so that it proves that commands arrive. */
  readonly selfTest: string;
  readonly discovery: string;
  /** Home Assistant says here that it has started; undefined when discovery is off. */
  readonly birth: string | undefined;
  /** The topic of one plain command. */
  set(name: string): string;
}

export function topicsOf(
  options: Pick<MqttOptions, "baseTopic" | "deviceId" | "discoveryPrefix" | "homeAssistant">,
): Topics {
  const { baseTopic, deviceId, discoveryPrefix, homeAssistant } = options;
  const root = `${baseTopic}/${deviceId}`;
  return {
    root,
    availability: `${root}/availability`,
    state: `${root}/state`,
    telemetry: `${root}/telemetry`,
    boot: `${root}/boot`,
    result: `${root}/result`,
    command: `${root}/command`,
    plainCommands: `${root}/+/set`,
    selfTest: `${root}/self-test/set`,
    discovery: `${discoveryPrefix}/device/${deviceId}/config`,
    birth: homeAssistant ? `${discoveryPrefix}/status` : undefined,
    set: (name) => `${root}/${name}/set`,
  };
}
