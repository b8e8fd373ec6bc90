import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSpotControl } from "../../src/camera/spot/control.ts";
import type { SpotControl, SpotControlOptions } from "../../src/camera/spot/control.ts";
import { RobotClient } from "../../src/camera/spot/rpc.ts";
import { TokenKeeper } from "../../src/camera/spot/token.ts";
import type { RobotLogin } from "../../src/camera/spot/token.ts";
import { resolveTrust } from "../../src/camera/spot/trust.ts";
import type { CameraAction, CameraPosition, CameraState } from "../../src/domain/camera.ts";
import { Secret } from "../../src/domain/secret.ts";
import { lightingService, ptzService } from "../../src/lib/spot-protocol.ts";
import { startRobotProcess } from "../helpers/appliance.ts";
import type { RunningRobot } from "../helpers/appliance.ts";
import { callRobot, logIn } from "../helpers/robot-client.ts";

const small = { width: 320, height: 240, fps: 5, bitrate: 300_000, idrInterval: 10 };
const { signal } = new AbortController();
const noLimits = { actionsPerMinute: 60_000, burst: 1000 };
const presets = { "front door": { pan: 90, tilt: 10, zoom: 4 }, up: { tilt: 1000 } };

interface Hands {
  readonly control: SpotControl;
  readonly tokens: TokenKeeper;
  /** Tokens that the robot gave. */
  readonly given: readonly Secret[];
  look(delta: Partial<CameraPosition>): Promise<CameraState>;
  goTo(position: Partial<CameraPosition>): Promise<CameraState>;
}

function userOf({ up }: RunningRobot, password = up.password): RobotLogin {
  return { kind: "password", username: up.username, password: new Secret(password) };
}

function robotOf({ up: { address } }: RunningRobot): SpotControlOptions["robot"] {
  const trust = { kind: "fingerprint", sha256: address.grpcFingerprint256 } as const;
  return { host: address.host, port: address.grpcPort, trust };
}

function takeHands(
  robot: RunningRobot,
  options: Partial<SpotControlOptions> = {},
  login: RobotLogin = userOf(robot),
): Hands & Disposable {
  const given: Secret[] = [];
  const tokens = new TokenKeeper(login, (token) => given.push(token));
  const control = createSpotControl({ robot: robotOf(robot), tokens, presets, ...noLimits, ...options });
  return {
    control,
    tokens,
    given,
    look: ({ pan = 0, tilt = 0, zoom = 1 }) => control.act({ kind: "look", pan, tilt, zoom }, signal),
    goTo: (position) => control.act({ kind: "goto", position }, signal),
    [Symbol.dispose]: () => control[Symbol.dispose](),
  };
}

/** Where the robot itself says that its PTZ looks, asked by another client. */
async function askPosition(robot: RunningRobot, name = "mech"): Promise<CameraPosition> {
  const { address } = robot.up;
  const authority = "spot-cam-ptz.spot.robot";
  const message = { ptz: { name } };
  const token = await logIn(address);
  const { position } = await callRobot(address, authority, ptzService.GetPtzPosition, message, token);
  return {
    pan: position?.pan?.value ?? Number.NaN,
    tilt: position?.tilt?.value ?? Number.NaN,
    zoom: position?.zoom?.value ?? Number.NaN,
  };
}

/** A wire to the robot's gRPC port that can be cut in the middle of the next request. */
async function startWire(port: number) {
  const sockets: Socket[] = [];
  let isCut = false;
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    sockets.push(near, far);
    for (const socket of [near, far]) socket.on("error", () => {});
    near.on("data", (data) => {
      if (isCut) near.resetAndDestroy();
      else far.write(data);
      isCut = false;
    });
    far.pipe(near);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    port: (server.address() as AddressInfo).port,
    cutNextRequest: () => (isCut = true),
    isUncut: () => !isCut,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

let robot: RunningRobot;
beforeAll(async () => {
  robot = await startRobotProcess(small);
});
afterAll(() => robot[Symbol.asyncDispose]());

describe("reading the camera", () => {
  it("tells what it can do, where it looks, what it shows and how bright it shines", async () => {
    using hands = takeHands(robot);
    expect([...hands.control.can]).toEqual([]);
    const state = await hands.control.read(signal);
    expect(state).toMatchObject({
      can: ["bitrate", "idr", "ptz", "screens", "lights"],
      screens: expect.arrayContaining(["mech_full", "pano_full"]),
      screen: "mech_full",
      lights: 0,
      presets: ["front door", "up"],
    });
    expect(state.position).toEqual(await askPosition(robot));
    expect([...hands.control.can]).toEqual(state.can);
  });

  it("logs in once for everything that it asks at the same time, and not again for the next action", async () => {
    using hands = takeHands(robot);
    await Promise.all([hands.control.read(signal), hands.control.read(signal)]);
    await hands.look({ pan: 1 });
    expect(hands.given).toHaveLength(1);
  });

  it("leaves out what the robot does not permit, and refuses it when it is asked", async () => {
    await using strict = await startRobotProcess({ ...small, payloadMayControl: "false", payloadPolls: 0 });
    const login = { kind: "payload", guid: "11-22", secret: new Secret("long enough") } as const;
    using hands = takeHands(strict, {}, login);
    expect(await hands.control.read(signal)).toEqual({ can: [], presets: ["front door", "up"] });
    await expect(hands.look({ pan: 5 })).rejects.toMatchObject({ code: "permission-denied" });
    await expect(hands.control.setStream({ targetBitrate: 1_000_000 }, signal)).rejects.toMatchObject({
      code: "permission-denied",
    });
  });
});

describe("moving the camera", () => {
  it("adds to where it looks", async () => {
    using hands = takeHands(robot);
    await hands.goTo({ pan: 100, tilt: 10, zoom: 2 });
    const { position, ...rest } = await hands.look({ pan: 15, tilt: -5 });
    expect(rest.can).toHaveLength(5); // all is known after an action, also without a `read` before it
    expect(position).toEqual({ pan: 115, tilt: 5, zoom: 2 });
    expect(await askPosition(robot)).toEqual(position);
  });

  it("starts from where another client has turned it", async () => {
    using others = takeHands(robot);
    await others.goTo({ pan: 200, tilt: 20, zoom: 1 });
    using hands = takeHands(robot);
    expect((await hands.look({ pan: 5 })).position).toEqual({ pan: 205, tilt: 20, zoom: 1 });
  });

  it("goes on from where it is going when moves come fast", async () => {
    using hands = takeHands(robot);
    await hands.goTo({ pan: 0, tilt: 0, zoom: 1 });
    using others = takeHands(robot); // stands for a slow PTZ, which is still on its way
    await others.goTo({ pan: 350 });
    expect((await hands.look({ pan: 10 })).position?.pan).toBe(10);
  });

  it("turns round over 0 and 360", async () => {
    using hands = takeHands(robot);
    await hands.goTo({ pan: 350, tilt: 0, zoom: 1 });
    expect((await hands.look({ pan: 20 })).position?.pan).toBe(10);
    expect((await hands.look({ pan: -30 })).position?.pan).toBe(340);
    expect((await askPosition(robot)).pan).toBe(340);
    expect((await hands.goTo({ pan: -90 })).position?.pan).toBe(270);
  });

  it("stops at the limits of tilt and zoom that the robot gives", async () => {
    using hands = takeHands(robot);
    await hands.goTo({ pan: 0, tilt: 80, zoom: 1 });
    expect((await hands.look({ tilt: 45 })).position?.tilt).toBe(90);
    expect((await hands.look({ tilt: -180 })).position?.tilt).toBe(-30);
    expect((await hands.look({ zoom: 10 })).position?.zoom).toBe(10);
    expect((await hands.look({ zoom: 10 })).position?.zoom).toBe(25);
    expect((await hands.look({ zoom: 0.5 })).position?.zoom).toBe(12.5);
    expect((await hands.goTo({ zoom: 3 })).position?.zoom).toBe(3);
    expect((await hands.goTo({ zoom: 100 })).position?.zoom).toBe(25);
    expect(await askPosition(robot)).toEqual({ pan: 0, tilt: -30, zoom: 25 });
  });

  it("goes to a preset, within the limits, and refuses one that it does not know", async () => {
    using hands = takeHands(robot);
    await hands.control.act({ kind: "preset", name: "front door" }, signal);
    expect(await askPosition(robot)).toEqual({ pan: 90, tilt: 10, zoom: 4 });
    const { position } = await hands.control.act({ kind: "preset", name: "up" }, signal);
    expect(position).toEqual({ pan: 90, tilt: 90, zoom: 4 });
    for (const name of ["back", "__proto__", "constructor"]) {
      const refused = hands.control.act({ kind: "preset", name }, signal);
      await expect(refused).rejects.toMatchObject({
        code: "usage",
        message: expect.stringContaining("presets front door, up"),
      });
    }
  });

  it("moves the PTZ that is configured, and the first one where the robot has none of that name", async () => {
    using digi = takeHands(robot, { ptz: "digi" });
    await digi.goTo({ pan: 12, tilt: -80, zoom: 30 });
    expect(await askPosition(robot, "digi")).toEqual({ pan: 12, tilt: -80, zoom: 30 });
    using unknown = takeHands(robot, { ptz: "sv600" });
    await unknown.goTo({ pan: 33, tilt: 0, zoom: 1 });
    expect((await askPosition(robot)).pan).toBe(33);
  });
});

describe("the screen, the lights and the encoder", () => {
  it("shows another screen, and refuses one that the robot does not list", async () => {
    using hands = takeHands(robot);
    const state = await hands.control.act({ kind: "screen", name: "pano_full" }, signal);
    expect(state.screen).toBe("pano_full");
    using others = takeHands(robot);
    expect((await others.control.read(signal)).screen).toBe("pano_full");
    await expect(hands.control.act({ kind: "screen", name: "tv" }, signal)).rejects.toMatchObject({
      code: "usage",
      message: expect.stringMatching(/c0, c1.*mech_full; got "tv"/),
    });
    await hands.control.act({ kind: "screen", name: "mech_full" }, signal);
  });

  it("sets all four lights", async () => {
    using hands = takeHands(robot);
    expect((await hands.control.act({ kind: "lights", brightness: 0.3 }, signal)).lights).toBe(0.3);
    const { address } = robot.up;
    const token = await logIn(address);
    const { GetLEDBrightness } = lightingService;
    const { brightnesses } = await callRobot(address, "spot-cam.spot.robot", GetLEDBrightness, {}, token);
    expect(brightnesses.map((one) => one.toFixed(3))).toEqual(["0.300", "0.300", "0.300", "0.300"]);
    expect((await hands.control.read(signal)).lights).toBe(0.3);
    for (const brightness of [1.5, -1, Number.NaN]) {
      const refused = hands.control.act({ kind: "lights", brightness }, signal);
      await expect(refused).rejects.toMatchObject({ code: "usage" });
    }
    await hands.control.act({ kind: "lights", brightness: 0 }, signal);
  });

  it("sets the encoder and tells what it now does", async () => {
    using hands = takeHands(robot);
    const set = await hands.control.setStream({ targetBitrate: 400_000, idrInterval: 20 }, signal);
    expect(set).toMatchObject({ targetBitrate: 400_000, idrInterval: 20 });
  });
});

describe("when things go wrong", () => {
  it("goes on with a new token when the robot no longer takes the old one", async () => {
    using hands = takeHands(robot);
    await hands.goTo({ pan: 50, tilt: 0, zoom: 1 });
    await robot.command({ command: "expire-tokens" });
    expect((await hands.look({ pan: 5 })).position?.pan).toBe(55);
    await robot.command({ command: "expire-tokens" });
    expect((await hands.control.read(signal)).can).toHaveLength(5);
    expect(hands.given).toHaveLength(3);
  });

  it("says that the camera is missing while the robot does not list it, and works when it does", async () => {
    using hands = takeHands(robot);
    await hands.goTo({ pan: 60, tilt: 0, zoom: 1 });
    await robot.command({ command: "services", run: false });
    try {
      await expect(hands.look({ pan: 5 })).rejects.toMatchObject({ code: "camera-missing" });
      await expect(hands.control.read(signal)).rejects.toMatchObject({ code: "camera-missing" });
    } finally {
      await robot.command({ command: "services", run: true });
    }
    expect((await hands.look({ pan: 5 })).position?.pan).toBe(65);
    expect((await hands.control.read(signal)).can).toHaveLength(5);
  });

  it("says that the robot is away, and works over a new connection when it is back", async () => {
    using hands = takeHands(robot);
    await hands.goTo({ pan: 70, tilt: 0, zoom: 1 });
    await robot.command({ command: "vanish" });
    try {
      await expect(hands.look({ pan: 5 })).rejects.toMatchObject({ code: "robot-unreachable" });
    } finally {
      await robot.command({ command: "appear" });
    }
    expect((await hands.look({ pan: 5 })).position?.pan).toBe(75);
  });

  it("does not notice a robot that was away between two actions", async () => {
    using hands = takeHands(robot);
    await hands.goTo({ pan: 80, tilt: 0, zoom: 1 });
    await robot.command({ command: "vanish" });
    await robot.command({ command: "appear" });
    expect((await hands.look({ pan: 5 })).position?.pan).toBe(85);
  });

  it("carries an action out once when the connection breaks in the middle of it", async () => {
    await using wire = await startWire(robot.up.address.grpcPort);
    using hands = takeHands(robot, { robot: { ...robotOf(robot), port: wire.port } });
    await hands.goTo({ pan: 90, tilt: 0, zoom: 1 });
    wire.cutNextRequest();
    expect((await hands.look({ pan: 5 })).position?.pan).toBe(95);
    expect(wire.isUncut()).toBe(true);
    expect((await askPosition(robot)).pan).toBe(95);
  });

  it("works again after its connection was closed because nobody used it", async () => {
    using hands = takeHands(robot, { idleMs: 1 });
    await hands.goTo({ pan: 10, tilt: 0, zoom: 1 });
    await sleep(30);
    expect((await hands.look({ pan: 5 })).position?.pan).toBe(15);
  });

  it("stops at an abort with a fault and can be used afterwards", async () => {
    using hands = takeHands(robot);
    const stopped = new AbortController();
    const action: CameraAction = { kind: "goto", position: { pan: 1 } };
    const acting = hands.control.act(action, stopped.signal);
    stopped.abort();
    await expect(acting).rejects.toMatchObject({ code: "robot-unreachable" });
    expect((await hands.goTo({ pan: 2 })).position?.pan).toBe(2);
  });

  it("lets a few actions through at once and says how long to wait for the next", async () => {
    using hands = takeHands(robot, { burst: 2, actionsPerMinute: 6 });
    await hands.look({ pan: 1 });
    await hands.look({ pan: 1 });
    await expect(hands.look({ pan: 1 })).rejects.toMatchObject({
      code: "rate-limited",
      message: expect.stringMatching(/ask again in \d+\.\d s/),
    });
    expect((await hands.control.read(signal)).can).toContain("ptz"); // reading is not counted
  });

  it("refuses to act when it is closed", async () => {
    const hands = takeHands(robot);
    await hands.look({ pan: 1 });
    hands.control[Symbol.dispose]();
    await expect(hands.look({ pan: 1 })).rejects.toMatchObject({ code: "not-running" });
  });
});

describe("a login that several share", () => {
  async function connect(): Promise<RobotClient> {
    const address = robotOf(robot);
    return new RobotClient(address, await resolveTrust(address.trust, address, signal));
  }

  it("is renewed once for all who ask at once, and a late refusal of the old token does not matter", async () => {
    using client = await connect();
    const given: Secret[] = [];
    const tokens = new TokenKeeper(userOf(robot), (token) => given.push(token));
    const [first] = await Promise.all([1, 2, 3].map(() => tokens.get(client, signal)));
    tokens.forget(first);
    const [second] = await Promise.all([1, 2, 3].map(() => tokens.get(client, signal)));
    tokens.forget(first);
    expect(await tokens.get(client, signal)).toBe(second);
    expect(given).toEqual([first, second]);
  });

  it("is carried on by the others when the one who began it stops", async () => {
    using client = await connect();
    const tokens = new TokenKeeper(userOf(robot), () => {});
    const stopped = new AbortController();
    const begun = tokens.get(client, stopped.signal);
    const waiting = tokens.get(client, signal);
    stopped.abort();
    await expect(begun).rejects.toMatchObject({ code: "robot-unreachable" });
    expect((await waiting).reveal()).toContain(".");
  });

  it("tries a wrong password once, however often the camera is asked to move", async () => {
    using hands = takeHands(robot, {}, userOf(robot, "wrong"));
    for (let tries = 0; tries < 8; tries += 1) {
      await expect(hands.look({ pan: 1 })).rejects.toMatchObject({ code: "login-refused" });
    }
    expect(await logIn(robot.up.address)).not.toBe(""); // it would be, had the account been locked
  });
});
