import { uptime } from "node:os";
import { join } from "node:path";
import type { ConfigFile } from "./config/config-file.ts";
import type { ChatConfig, Config, HttpConfig, MqttConfig } from "./config/config.ts";
import { readSystemd } from "./config/systemd.ts";
import { defaultRules } from "./control/chat/options.ts";
import type { ChatRules } from "./control/chat/options.ts";
import { commandNames } from "./control/chat/parse-line.ts";
import { createChatSurface } from "./control/chat/surface.ts";
import { checkOptions } from "./control/http/options.ts";
import type { HttpAccess, Settings } from "./control/http/options.ts";
import { createHttpSurface } from "./control/http/surface.ts";
import type { Journal } from "./control/journal.ts";
import { createMqttSurface } from "./control/mqtt/surface.ts";
import type { Surface } from "./control/surface.ts";
import { createSystemdSurface } from "./control/systemd.ts";
import { tenths } from "./device/boot-marks.ts";
import { Fault, toFault } from "./domain/fault.ts";
import type { Preview } from "./domain/preview.ts";
import type { Report } from "./domain/status.ts";
import type { Mask } from "./lib/log.ts";
import { productFile } from "./lib/product-files.ts";
import { readVersion } from "./lib/version.ts";

/** Where the bot's login is kept. */
export const chatTokenPath = (config: Config): string => join(config.stateDirectory, "twitch-login.json");

/** What surfaces are given besides the configuration. */
export interface SurfaceParts {
  readonly report: Report;
  readonly mask: Mask;
  readonly journal: Journal;
  /** Absent where nobody can look at the camera's picture. */
  readonly preview?: Preview | undefined;
  /** Absent where the configuration is in no file. */
  readonly configFile?: ConfigFile;
  /** Ends this process. Absent where nobody would start it again. */
  readonly restart?: () => void;
  /** True while there is no configuration yet. */
  readonly isFirstRun?: boolean;
  /** Told each time HTTP has begun to listen, with its address. */
  readonly onListening?: (url: string) => void;
}

/** The configured surfaces: the one place that knows every kind. */
export function createSurfaces(config: Config, parts: SurfaceParts): readonly Surface[] {
  const { report, mask } = parts;
  const { http, mqtt, chat, bootDirectory } = config;
  // A machine that runs for weeks before spotlive is started has no marks.
  const onReady = (): void => {
    if (bootDirectory !== undefined) report({ type: "boot-mark", name: "ready", seconds: tenths(uptime()) });
  };
  return [
    createSystemdSurface({ ...readSystemd(), stallMs: config.stallSeconds * 3000, onReady }),
    ...(http === undefined ? [] : [createHttp(http, config, parts)]),
    ...(mqtt === undefined ? [] : [createMqtt(mqtt, config)]),
    ...(chat === undefined ? [] : [createChat(chat, config, report, mask)]),
  ];
}

function createHttp(http: HttpConfig, config: Config, parts: SurfaceParts): Surface {
  const { journal, configFile, mask, onListening, preview, isFirstRun = false } = parts;
  return createHttpSurface({
    ...accessOf(http),
    maxEventClients: 10,
    journal,
    async doctor(signal) {
      const { examineRunning } = await import("./verbs/doctor/doctor-run.ts");
      const running = { configPath: configFile?.path, stateDirectory: config.stateDirectory, mask };
      return await examineRunning({ ...running, config: isFirstRun ? undefined : config }, signal);
    },
    setup: {
      isFirstRun,
      async tryRobot(body, signal) {
        const { tryRobot } = await import("./verbs/setup/try-robot.ts");
        return await tryRobot(body, signal);
      },
      async tryIngest(body, signal) {
        const { tryIngest } = await import("./verbs/setup/try-ingest.ts");
        return await tryIngest(body, config.stateDirectory, signal);
      },
    },
    ...(configFile && { settings: settingsOf(configFile, parts) }),
    ...(preview && { preview }),
    pageFolder: productFile("dist/web"),
    version: readVersion(),
    ...(onListening && { onListening }),
  });
}

function accessOf(http: HttpConfig): HttpAccess {
  return {
    host: http.host,
    port: http.port,
    user: http.username,
    ...(http.password && { password: http.password }),
    ...(http.token && { token: http.token }),
    allowedHosts: http.allowedHosts,
  };
}

/** Whoever changes something is named in the log. */
function settingsOf(configFile: ConfigFile, { report, restart }: SurfaceParts): Settings {
  const tell = (by: string | undefined, text: string): void =>
    report({ type: "notice", part: "settings", severity: "info", text: `${by ?? "Somebody"} ${text}` });
  return {
    describe: () => configFile.describe(),
    async change(changes, by) {
      const problems = await configFile.change(changes, whyUnfit);
      if (problems.length > 0) return problems;
      const names = Object.keys(changes as object).join(", ");
      tell(by, `has changed ${names}. It counts from the next start on.`);
      return [];
    },
    ...(restart && {
      restart(by) {
        tell(by, "has asked for a restart of spotlive.");
        restart();
      },
    }),
  };
}

/** What only the surfaces can say of a configuration, so that spotlive starts with whatever was taken. */
function whyUnfit({ http, chat }: Config): { readonly path: string; readonly text: string } | undefined {
  const judge = (
    path: string,
    check: () => void,
  ): { readonly path: string; readonly text: string } | undefined => {
    try {
      check();
      return undefined;
    } catch (error) {
      return { path, text: toFault(error).message };
    }
  };
  return (
    judge("http", () => http && checkOptions(accessOf(http))) ?? judge("chat", () => chat && rulesOf(chat))
  );
}

function createMqtt(mqtt: MqttConfig, config: Config): Surface {
  return createMqttSurface({
    brokers: mqtt.urls,
    ...(mqtt.username !== undefined && { username: mqtt.username }),
    ...(mqtt.password && { password: mqtt.password }),
    ...(mqtt.ca !== undefined && { ca: mqtt.ca }),
    ...(mqtt.certificate !== undefined && { certificate: mqtt.certificate }),
    ...(mqtt.key && { key: mqtt.key }),
    deviceId: mqtt.deviceId,
    baseTopic: mqtt.baseTopic,
    homeAssistant: mqtt.homeAssistant,
    discoveryPrefix: mqtt.discoveryPrefix,
    destinations: config.outputs.map(({ name }) => name),
    version: readVersion(),
  });
}

function createChat(chat: ChatConfig, config: Config, report: Report, mask: Mask): Surface {
  return createChatSurface({
    transport: chat.transport,
    clientId: chat.clientId,
    channel: chat.channel,
    tokenPath: chatTokenPath(config),
    rules: rulesOf(chat),
    report,
    onToken: (token) => mask.addToken(token),
  });
}

function rulesOf(chat: ChatConfig): ChatRules {
  const unknown = Object.keys(chat.permissions).find((name) => !commandNames.some((known) => known === name));
  if (unknown !== undefined) {
    const known = commandNames.join(", ");
    throw new Fault(
      "config-invalid",
      `chat.permissions: there is no command "${unknown}"; there are ${known}.`,
    );
  }
  const vote = {
    windowSeconds: chat.voteSeconds,
    minimumVotes: chat.minimumVotes,
    tier: "everyone",
  } as const;
  return {
    ...defaultRules,
    tiers: { ...defaultRules.tiers, ...chat.permissions },
    ...(chat.vote && { vote }),
  };
}
