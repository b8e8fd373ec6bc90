import type { MqttOptions } from "../../../../src/control/mqtt/options.ts";
import { createMqttSurface } from "../../../../src/control/mqtt/surface.ts";
import { until } from "../../../helpers/mosquitto.ts";
import { createLine, type Line } from "./line.ts";

export interface Device extends AsyncDisposable {
  readonly line: Line;
  readonly root: string;
  /** How often it was connected. */
  connects(): number;
  /** Resolves when the device says so for the `count`th time. */
  connected(count?: number): Promise<void>;
}

/** The surface at a broker, with a line behind it. */
export function startDevice(url: string, options: Partial<MqttOptions> = {}): Device {
  const line = createLine();
  const controller = new AbortController();
  const surface = createMqttSurface({
    brokers: [url],
    deviceId: "spot1",
    baseTopic: "spotlive",
    homeAssistant: true,
    discoveryPrefix: "homeassistant",
    destinations: ["main", "backup"],
    version: "1.2.3",
    ...options,
  });
  const ended = surface(line.context, controller.signal);
  const connects = (): number => line.logged.filter(({ msg }) => msg.startsWith("Connected to")).length;
  return {
    line,
    root: "spotlive/spot1",
    connects,
    connected: (count = 1) => until(() => connects() >= count),
    async [Symbol.asyncDispose]() {
      controller.abort();
      await ended;
    },
  };
}
