import {
  authService,
  authStatus,
  directoryNames,
  directoryService,
  fixedAuthorities,
  fullAuthority,
  payloadAuthStatus,
  payloadRegistrationService,
  registerPayloadStatus,
  robotIdService,
  serviceEntryStatus,
  timestamp,
} from "../../lib/spot-protocol.ts";
import type { ServiceEntry, Sent } from "../../domain/spot/messages.ts";
import type { RobotOptions } from "./options.ts";
import type { RpcServer } from "./rpc.ts";
import { Account } from "./tokens.ts";
import type { Bearer, Tokens } from "./tokens.ts";

/** The camera's services as the directory has them: one authority is a bare label, two services share one. */
export const cameraServices = {
  streamQuality: { authority: "spot-cam-stream-quality", type: "bosdyn.api.spot_cam.StreamQualityService" },
  ptz: { authority: "spot-cam-ptz.spot.robot", type: "bosdyn.api.spot_cam.PtzService" },
  compositor: { authority: "spot-cam.spot.robot", type: "bosdyn.api.spot_cam.CompositorService" },
  lighting: { authority: "spot-cam.spot.robot", type: "bosdyn.api.spot_cam.LightingService" },
} as const satisfies Record<
  keyof typeof directoryNames,
  { readonly authority: string; readonly type: string }
>;

const baseEntries: readonly Sent<ServiceEntry>[] = [
  entry("auth", fixedAuthorities.auth, "bosdyn.api.AuthService", false),
  entry("directory", fixedAuthorities.directory, "bosdyn.api.DirectoryService", true),
  entry("robot-id", fixedAuthorities.robotId, "bosdyn.api.RobotIdService", false),
  entry(
    "payload-registration",
    fixedAuthorities.payloadRegistration,
    "bosdyn.api.PayloadRegistrationService",
    false,
  ),
  entry("estop", "estop.spot.robot", "bosdyn.api.EstopService", true),
];

const cameraEntries: readonly Sent<ServiceEntry>[] = Object.entries(cameraServices).map(
  ([key, { authority, type }]) =>
    entry(directoryNames[key as keyof typeof directoryNames], authority, type, true),
);

function entry(
  name: string,
  authority: string,
  type: string,
  userTokenRequired: boolean,
): Sent<ServiceEntry> {
  return { name, authority, type, userTokenRequired, lastUpdate: timestamp(Date.now()) };
}

/** The authority at which one of the camera's services answers. */
export function cameraAuthority(service: keyof typeof cameraServices): string {
  return fullAuthority(cameraServices[service].authority);
}

/** Adds what every robot has: identity, login, payload registration, and the directory. */
export function addBaseServices(
  server: RpcServer,
  options: RobotOptions,
  tokens: Tokens,
  cameraServicesRun: () => boolean,
): void {
  const anybody = (): boolean => true;
  server.addService(
    robotIdService,
    { authority: () => fixedAuthorities.robotId },
    { GetRobotId: () => ({ robotId }) },
  );
  addAuth(server, options, tokens);
  addPayloadRegistration(server, options, tokens);
  const entries = (): readonly Sent<ServiceEntry>[] => [
    ...baseEntries,
    ...(cameraServicesRun() ? cameraEntries : []),
  ];
  server.addService(
    directoryService,
    { authority: () => fixedAuthorities.directory, admits: anybody },
    {
      ListServiceEntries: () => ({ serviceEntries: entries() }),
      GetServiceEntry({ serviceName }) {
        const serviceEntry = entries().find(({ name }) => name === serviceName);
        if (serviceEntry === undefined) return { status: serviceEntryStatus.nonexistentService };
        return { status: serviceEntryStatus.ok, serviceEntry };
      },
    },
  );
}

const robotId = {
  serialNumber: "spot-SIMULATED-0001",
  species: "spot",
  version: "V3",
  nickname: "simulated",
  computerSerialNumber: "simulated-computer-1",
  softwareRelease: { version: { majorVersion: 5, minorVersion: 1, patchLevel: 4 }, name: "simulated" },
};

function addAuth(server: RpcServer, options: RobotOptions, tokens: Tokens): void {
  const account = new Account(options.username, options.password, options.lockOutMs);
  server.addService(
    authService,
    { authority: () => fixedAuthorities.auth },
    {
      GetAuthToken({ username, password, token }) {
        if (token !== "") {
          const bearer = tokens.bearerOf(token);
          if (bearer === undefined) return { status: authStatus.invalidToken };
          return { status: authStatus.ok, token: tokens.mint(bearer) };
        }
        const status = account.logIn(username, password);
        return status === authStatus.ok
          ? { status, token: tokens.mint({ kind: "user", name: username }) }
          : { status };
      },
    },
  );
}

/** Payloads register themselves; the operator's consent is simulated by a number of polls. */
function addPayloadRegistration(server: RpcServer, options: RobotOptions, tokens: Tokens): void {
  const registered = new Map<string, { readonly secret: string; polls: number }>();
  server.addService(
    payloadRegistrationService,
    { authority: () => fixedAuthorities.payloadRegistration },
    {
      RegisterPayload({ payload, payloadSecret }) {
        const guid = payload?.GUID ?? "";
        if (registered.has(guid)) return { status: registerPayloadStatus.alreadyExists };
        registered.set(guid, { secret: payloadSecret, polls: 0 });
        return { status: registerPayloadStatus.ok };
      },
      GetPayloadAuthToken({ payloadCredentials, payloadGuid, payloadSecret }) {
        const { guid, secret } = payloadCredentials ?? { guid: payloadGuid, secret: payloadSecret };
        const payload = registered.get(guid);
        if (payload === undefined || payload.secret !== secret) {
          return { status: payloadAuthStatus.invalidCredentials };
        }
        payload.polls += 1;
        if (payload.polls <= options.payloadPolls) return { status: payloadAuthStatus.payloadNotAuthorized };
        const bearer: Bearer = { kind: "payload", name: guid };
        return { status: payloadAuthStatus.ok, token: tokens.mint(bearer) };
      },
    },
  );
}
