import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import { Secret } from "../domain/secret.ts";
import type { Simulators } from "./demo-simulators.ts";

/** What the demo is called at its broker. */
export const deviceId = "demo";

/**
 * The configuration of a demo: what a person would write for this robot and this ingest. `hasPage`: HTTP listens on
 * loopback, on a port that the kernel chooses.
 */
export function demoConfig({ robot, ingestUrl, brokerUrl }: Simulators, hasPage: boolean): Config {
  const { address, username, password } = robot;
  return {
    source: {
      kind: "spot",
      host: address.host,
      port: address.grpcPort,
      cameraHost: address.host,
      interface: undefined,
      cameraPort: address.cameraPort,
      login: { kind: "password", username, password: new Secret(password) },
      tls: { kind: "fingerprint", sha256: address.grpcFingerprint256 },
      cameraTls: { kind: "fingerprint", sha256: address.cameraFingerprint256 },
      bitrate: undefined,
      idrSeconds: 2,
      restoreOnExit: false,
      congestionControl: true,
      onLoss: "freeze",
    },
    outputs: [
      {
        kind: "rtmp",
        name: "ingest",
        rules: "generic",
        onSizeChange: "inband",
        url: ingestUrl,
        streamKey: new Secret("demo-stream-key"),
        ca: undefined,
      },
    ],
    audio: "silent",
    queue: { bytes: 32 * 1024 * 1024, milliseconds: 1200 },
    adapt: { floor: 500_000 },
    hold: { max: 600 },
    transcode: { allow: true },
    presets: { home: { pan: 0, tilt: 0, zoom: 1 } },
    http: hasPage
      ? {
          ...{ host: "127.0.0.1", port: 0, username: "demo" },
          ...{ password: undefined, token: undefined, allowedHosts: [] },
        }
      : undefined,
    preview: { maxViewers: 4 },
    mqtt:
      brokerUrl === undefined
        ? undefined
        : {
            urls: [brokerUrl],
            username: undefined,
            password: undefined,
            ca: undefined,
            certificate: undefined,
            key: undefined,
            deviceId,
            baseTopic: "spotlive",
            homeAssistant: true,
            discoveryPrefix: "homeassistant",
          },
    chat: undefined,
    uplinks: [],
    stallSeconds: 10,
    autostart: "never",
    clockWaitSeconds: 0,
    stateDirectory: join(tmpdir(), "spotlive-demo"),
    bootDirectory: undefined,
    socketPath: join(tmpdir(), "spotlive-demo.sock"),
    logLevel: "info",
  };
}
