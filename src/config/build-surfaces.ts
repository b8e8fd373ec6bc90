import { readFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { hostname } from "node:os";
import type { CameraPosition } from "../domain/camera.ts";
import type { ChatConfig, ChatTier, Config, HttpConfig, MqttConfig } from "./config.ts";
import type { Findings } from "./problems.ts";
import { readAuthority, readPrivateKey, readSecret } from "./secret-file.ts";
import type { ConfigValues } from "./values.ts";

/** The parts of the configuration for everything that reaches in from outside. */
export async function buildSurfaces(
  values: ConfigValues,
  findings: Findings,
): Promise<Pick<Config, "presets" | "http" | "preview" | "mqtt" | "chat">> {
  return {
    presets: readPresets(values.camera.presets),
    http: await buildHttp(values.http, findings),
    preview: values.preview,
    mqtt: await buildMqtt(values.mqtt, findings),
    chat: buildChat(values.chat, findings),
  };
}

async function buildHttp(values: ConfigValues["http"], findings: Findings): Promise<HttpConfig | undefined> {
  const password = await readSecret(values.password, values.passwordFile, "http.password", findings);
  const token = await readSecret(values.token, values.tokenFile, "http.token", findings);
  const { host, port, username } = values;
  const allowedHosts = values.allowedHosts.map(String);
  return port === null ? undefined : { host, port, username, password, token, allowedHosts };
}

async function buildMqtt(values: ConfigValues["mqtt"], findings: Findings): Promise<MqttConfig | undefined> {
  const password = await readSecret(values.password, values.passwordFile, "mqtt.password", findings);
  const ca = await readAuthority(values.caFile, "mqtt.caFile", findings);
  const certificate = await readAuthority(values.certificateFile, "mqtt.certificateFile", findings);
  const key = await readPrivateKey(values.keyFile, "mqtt.keyFile", findings);
  if ((certificate === undefined) !== (key === undefined)) {
    findings.addAt("mqtt.keyFile", "expected certificateFile and keyFile together, got one of them");
  }
  if (values.homeAssistant && values.discoveryPrefix === values.baseTopic) {
    findings.addAt("mqtt.discoveryPrefix", "expected another topic than baseTopic, got the same");
  }
  if (values.url === null) return undefined;
  return {
    urls: values.url.split(",").map((url) => url.trim()),
    username: values.username ?? undefined,
    password,
    ca,
    certificate,
    key,
    deviceId: values.deviceId ?? machineDeviceId(),
    baseTopic: values.baseTopic,
    homeAssistant: values.homeAssistant,
    discoveryPrefix: values.discoveryPrefix,
  };
}

function buildChat(values: ConfigValues["chat"], findings: Findings): ChatConfig | undefined {
  const { channel, clientId, transport, vote, voteSeconds, minimumVotes } = values;
  if (channel === null) return undefined;
  if (clientId === null) {
    findings.addAt("chat.clientId", "expected the client id of a Twitch application, got nothing");
    return undefined;
  }
  const permissions = Object.fromEntries(
    values.permissions.map((entry) => String(entry).split("=") as [string, ChatTier]),
  );
  return { channel, clientId, transport, permissions, vote, voteSeconds, minimumVotes };
}

function readPresets(list: readonly unknown[]): Readonly<Record<string, Partial<CameraPosition>>> {
  const presets = list as readonly ({ readonly name: string } & Partial<CameraPosition>)[];
  return Object.fromEntries(presets.map(({ name, ...position }) => [name, position]));
}

/** The same on every start of one machine, another on each machine, and nothing that tells the machine's own id. */
function machineDeviceId(): string {
  let seed = hostname();
  try {
    seed = readFileSync("/etc/machine-id", "utf8").trim();
  } catch {
    // a machine without one has at least its name
  }
  return `spotlive-${createHash("sha256").update(`spotlive ${seed}`).digest("hex").slice(0, 8)}`;
}
