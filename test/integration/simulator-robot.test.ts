import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  authService,
  authStatus,
  compositorService,
  directoryNames,
  directoryService,
  fixedAuthorities,
  fullAuthority,
  lightingService,
  payloadAuthStatus,
  payloadRegistrationService,
  ptzService,
  registerPayloadStatus,
  robotIdService,
  serviceEntryStatus,
  streamQualityService,
} from "../../src/lib/spot-protocol.ts";
import { startRobot } from "../../src/simulator/robot.ts";
import type { Robot, RobotOptions } from "../../src/simulator/robot.ts";
import { askCamera, callRobot, logIn } from "../helpers/robot-client.ts";

const { GetAuthToken } = authService;
const small = { width: 320, height: 240, fps: 10, bitrate: 300_000, idrInterval: 10 };
const code = (expected: status) => expect.objectContaining({ code: expected });

let cacheDirectory: string;
beforeAll(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), "robot-test-"));
});
afterAll(() => rm(cacheDirectory, { recursive: true }));

function start(options: Partial<RobotOptions> = {}): Promise<Robot> {
  return startRobot({ ...small, cacheDirectory, ...options }, new AbortController().signal);
}

async function payloadToken({ address }: Robot): Promise<{ statuses: number[]; token: string }> {
  const authority = fixedAuthorities.payloadRegistration;
  const { RegisterPayload, GetPayloadAuthToken } = payloadRegistrationService;
  const registration = {
    payload: { GUID: "11111111-2222", name: "spotlive" },
    payloadSecret: "a-long-secret",
  };
  await callRobot(address, authority, RegisterPayload, registration);
  const statuses: number[] = [];
  for (;;) {
    const payloadCredentials = { guid: "11111111-2222", secret: "a-long-secret" };
    const answer = await callRobot(address, authority, GetPayloadAuthToken, { payloadCredentials });
    statuses.push(answer.status);
    if (answer.status === payloadAuthStatus.ok) return { statuses, token: answer.token };
  }
}

describe("the login", () => {
  it("gives a token for the right password, echoes the request's header and says that all is well", async () => {
    await using robot = await start();
    const header = { clientName: "test", requestTimestamp: { seconds: 5, nanos: 6 } };
    const message = { header, username: "user", password: "spotlive-simulator" };
    const answer = await callRobot(robot.address, fixedAuthorities.auth, GetAuthToken, message);
    expect(answer.status).toBe(authStatus.ok);
    expect(answer.header).toMatchObject({ requestHeader: header, error: { code: 1 } });
    expect(answer.header?.responseTimestamp?.seconds).toBeGreaterThan(1_700_000_000);
    expect(answer.token.split(".")).toHaveLength(3);
  });

  it("ignores the literal token None on the services that need none", async () => {
    await using robot = await start();
    const { robotId } = await callRobot(
      robot.address,
      fixedAuthorities.robotId,
      robotIdService.GetRobotId,
      {},
      "None",
    );
    expect(robotId?.species).toBe("spot");
  });

  it("renews a good token, and refuses one that has expired", async () => {
    await using robot = await start();
    const token = await logIn(robot.address);
    const renewed = await callRobot(robot.address, fixedAuthorities.auth, GetAuthToken, { token });
    expect(renewed.status).toBe(authStatus.ok);
    expect(renewed.token).not.toBe(token);
    robot.expireTokens();
    const refused = await callRobot(robot.address, fixedAuthorities.auth, GetAuthToken, { token });
    expect(refused).toMatchObject({ status: authStatus.invalidToken, token: "" });
  });

  it("locks the account at the sixth wrong password", async () => {
    await using robot = await start();
    const statuses: number[] = [];
    for (const password of ["a", "b", "c", "d", "e", "f", "spotlive-simulator"]) {
      const message = { username: "user", password };
      statuses.push((await callRobot(robot.address, fixedAuthorities.auth, GetAuthToken, message)).status);
    }
    expect(statuses).toEqual([2, 2, 2, 2, 2, 4, 4]);
  });

  it("lets a payload in only after the operator's consent", async () => {
    await using robot = await start({ payloadPolls: 2 });
    const { statuses, token } = await payloadToken(robot);
    expect(statuses).toEqual([3, 3, 1]);
    expect((await askCamera(robot.address, { token })).status).toBe(200);
    const { RegisterPayload, GetPayloadAuthToken } = payloadRegistrationService;
    const again = { payload: { GUID: "11111111-2222" }, payloadSecret: "a-long-secret" };
    const authority = fixedAuthorities.payloadRegistration;
    expect((await callRobot(robot.address, authority, RegisterPayload, again)).status).toBe(
      registerPayloadStatus.alreadyExists,
    );
    const wrong = { payloadCredentials: { guid: "11111111-2222", secret: "other" } };
    expect((await callRobot(robot.address, authority, GetPayloadAuthToken, wrong)).status).toBe(
      payloadAuthStatus.invalidCredentials,
    );
  });
});

describe("routing", () => {
  it("refuses a call at the address's own name or at another service's authority", async () => {
    await using robot = await start();
    const message = { username: "user", password: "spotlive-simulator" };
    for (const authority of [`127.0.0.1:${robot.address.grpcPort}`, fixedAuthorities.directory, "auth"]) {
      const call = callRobot(robot.address, authority, GetAuthToken, message);
      await expect(call).rejects.toEqual(code(status.UNIMPLEMENTED));
    }
  });

  it("refuses a call without a good token", async () => {
    await using robot = await start();
    const { ListServiceEntries } = directoryService;
    for (const token of [undefined, "None", "a.b.c"]) {
      const call = callRobot(robot.address, fixedAuthorities.directory, ListServiceEntries, {}, token);
      await expect(call).rejects.toEqual(code(status.UNAUTHENTICATED));
    }
  });

  it("has a certificate for *.spot.robot that chains to the robot's own root, with the fingerprint it tells", async () => {
    await using robot = await start();
    const { grpcPort: port, caPem: ca, grpcFingerprint256 } = robot.address;
    const socket = connect({
      host: "127.0.0.1",
      port,
      ca,
      servername: "id.spot.robot",
      ALPNProtocols: ["h2"],
    });
    await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
    expect(socket.getPeerCertificate().fingerprint256).toBe(grpcFingerprint256);
    socket.destroy();
  });

  it("lists the camera's services late, one of them with a bare label, and routes to them only then", async () => {
    await using robot = await start({ servicesAfterMs: 1500 });
    const token = await logIn(robot.address);
    const list = async () => {
      const { ListServiceEntries } = directoryService;
      const answer = await callRobot(
        robot.address,
        fixedAuthorities.directory,
        ListServiceEntries,
        {},
        token,
      );
      return answer.serviceEntries;
    };
    const isCamera = ({ name }: { name: string }): boolean => name.startsWith("spot-cam-");
    const early = await list();
    expect(early.map(({ name }) => name)).toContain("robot-id");
    expect(early.some(isCamera)).toBe(false);
    const { GetStreamParams } = streamQualityService;
    const ask = () =>
      callRobot(robot.address, fullAuthority("spot-cam-stream-quality"), GetStreamParams, {}, token);
    await expect(ask()).rejects.toEqual(code(status.UNIMPLEMENTED));
    await expect.poll(async () => (await list()).filter(isCamera).length, { timeout: 10_000 }).toBe(4);
    const entry = (await list()).find(({ name }) => name === directoryNames.streamQuality);
    expect(entry).toMatchObject({ authority: "spot-cam-stream-quality", userTokenRequired: true });
    expect((await ask()).params?.targetbitrate?.value).toBe(300_000);
    robot.setServices(false);
    expect((await list()).some(isCamera)).toBe(false);
    const { GetServiceEntry } = directoryService;
    const single = await callRobot(
      robot.address,
      fixedAuthorities.directory,
      GetServiceEntry,
      { serviceName: directoryNames.ptz },
      token,
    );
    expect(single).toMatchObject({ status: serviceEntryStatus.nonexistentService, serviceEntry: null });
  });
});

describe("the camera's controls", () => {
  it("sets only the stream parameters that are there and tells all of them", async () => {
    await using robot = await start();
    const token = await logIn(robot.address);
    const authority = fullAuthority("spot-cam-stream-quality");
    const { SetStreamParams, GetStreamParams, EnableCongestionControl } = streamQualityService;
    const wanted = { params: { targetbitrate: { value: 500_000 }, awb: { awb: 5 } } };
    const { params } = await callRobot(robot.address, authority, SetStreamParams, wanted, token);
    expect(params).toMatchObject({
      targetbitrate: { value: 500_000 },
      idrinterval: { value: 10 },
      awb: { awb: 5 },
    });
    expect((await callRobot(robot.address, authority, GetStreamParams, {}, token)).params).toEqual(params);
    const control = { enableCongestionControl: false };
    const answer = await callRobot(robot.address, authority, EnableCongestionControl, control, token);
    expect(answer.header?.error?.code).toBe(1);
  });

  it("moves within its limits, and round and round where it has none", async () => {
    await using robot = await start();
    const token = await logIn(robot.address);
    const authority = "spot-cam-ptz.spot.robot";
    const { ptzs } = await callRobot(robot.address, authority, ptzService.ListPtz, {}, token);
    expect(ptzs.find(({ name }) => name === "mech")?.panLimit).toBeNull();
    const wanted = { ptz: { name: "mech" }, pan: { value: 370 }, tilt: { value: -45 } };
    const { SetPtzPosition, GetPtzPosition } = ptzService;
    await callRobot(robot.address, authority, SetPtzPosition, { position: wanted }, token);
    const { position } = await callRobot(
      robot.address,
      authority,
      GetPtzPosition,
      { ptz: { name: "mech" } },
      token,
    );
    expect(position).toMatchObject({ pan: { value: 10 }, tilt: { value: -30 }, zoom: { value: 1 } });
    const unknown = await callRobot(
      robot.address,
      authority,
      GetPtzPosition,
      { ptz: { name: "none" } },
      token,
    );
    expect(unknown.header?.error?.code).toBe(3);
  });

  it("shows the screen and the lights that it is told to", async () => {
    await using robot = await start();
    const token = await logIn(robot.address);
    const authority = "spot-cam.spot.robot";
    const { ListScreens, SetScreen, GetScreen } = compositorService;
    const { screens } = await callRobot(robot.address, authority, ListScreens, {}, token);
    expect(screens.map(({ name }) => name)).toContain("digi_full");
    await callRobot(robot.address, authority, SetScreen, { name: "digi_full" }, token);
    expect((await callRobot(robot.address, authority, GetScreen, {}, token)).name).toBe("digi_full");
    const { SetLEDBrightness, GetLEDBrightness } = lightingService;
    await callRobot(robot.address, authority, SetLEDBrightness, { brightnesses: { 0: 0.5, 3: 7 } }, token);
    const { brightnesses } = await callRobot(robot.address, authority, GetLEDBrightness, {}, token);
    expect(brightnesses).toEqual([0.5, 0, 0, 1]);
  });

  it("can be closed to payloads", async () => {
    await using robot = await start({ payloadPolls: 0, payloadMayControl: false });
    const { token } = await payloadToken(robot);
    const call = callRobot(robot.address, "spot-cam-ptz.spot.robot", ptzService.ListPtz, {}, token);
    await expect(call).rejects.toEqual(code(status.PERMISSION_DENIED));
  });
});

describe("the camera's HTTPS door", () => {
  it("answers as documented", async () => {
    await using robot = await start();
    const { address } = robot;
    const token = await logIn(address);
    const ask = async (options: Parameters<typeof askCamera>[1]) =>
      (await askCamera(address, options)).status;
    expect(await ask({})).toBe(401);
    expect(await ask({ token: "wrong" })).toBe(401);
    expect(await ask({ token, path: "/audio.sdp" })).toBe(404);
    expect(await ask({ token, method: "DELETE" })).toBe(405);
    const { body } = await askCamera(address, { token });
    const { id, sdp } = JSON.parse(body);
    const offer = Buffer.from(sdp, "base64").toString();
    expect(offer).toContain("a=rtpmap:96 H264/90000");
    expect(offer).toMatch(/a=rtpmap:111 opus\/48000\/2/i);
    const hosts = [...offer.matchAll(/^a=candidate:\S+ 1 udp \d+ (\S+)/gm)].map(([, host]) => host);
    expect(new Set(hosts)).toEqual(new Set(["127.0.0.1"]));
    const answer = (fields: unknown) => ask({ token, method: "POST", body: JSON.stringify(fields) });
    expect(await ask({ token, method: "POST", body: "garbage" })).toBe(400);
    expect(await answer({ id, sdp: "AAAA" })).toBe(400);
    expect(await answer({ id: "unknown", sdp })).toBe(404);
    expect(await answer({ id, sdp: Buffer.from("v=0\r\ngarbage").toString("base64") })).toBe(400);
    expect(await ask({ token, method: "POST", body: "x".repeat(300_000) })).toBe(400);
    robot.expireTokens();
    expect(await ask({ token })).toBe(401);
    expect(await answer({ id, sdp })).toBe(401);
  });
});

it("vanishes without a word and appears again at the same ports", async () => {
  await using robot = await start();
  const token = await logIn(robot.address);
  await robot.vanish();
  await expect(logIn(robot.address)).rejects.toEqual(code(status.UNAVAILABLE));
  await expect(askCamera(robot.address, { token })).rejects.toMatchObject({ code: "ECONNRESET" });
  await robot.appear();
  expect((await askCamera(robot.address, { token })).status).toBe(200);
});

it("answers at the address that it is given, and at no other", async () => {
  await using robot = await start({ host: "127.0.0.2" });
  expect(robot.address.host).toBe("127.0.0.2");
  const token = await logIn(robot.address);
  expect((await askCamera(robot.address, { token })).status).toBe(200);
  await expect(logIn({ ...robot.address, host: "127.0.0.1" })).rejects.toEqual(code(status.UNAVAILABLE));
});

it("ends with the signal that started it", async () => {
  const life = new AbortController();
  const robot = await startRobot({ ...small, cacheDirectory }, life.signal);
  life.abort();
  await robot.done;
  await expect(logIn(robot.address)).rejects.toEqual(code(status.UNAVAILABLE));
});
