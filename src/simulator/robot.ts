import { once } from "node:events";
import type { Fault } from "../domain/fault.ts";
import { nowUs } from "../lib/clock.ts";
import { childSignal } from "../lib/signals.ts";
import { addBaseServices } from "./robot/base-services.ts";
import { Camera } from "./robot/camera.ts";
import type { CameraHooks, PictureChange } from "./robot/camera.ts";
import { addCameraServices, firstScreen } from "./robot/camera-services.ts";
import { createCameraIdentity, createRobotIdentity } from "./robot/certificates.ts";
import { keepDeadPort } from "./robot/dead-port.ts";
import { FrameLog } from "./robot/frame-log.ts";
import type { LoggedFrame } from "./robot/frame-log.ts";
import type { NetworkFaults } from "./robot/network.ts";
import { defaultRobotOptions } from "./robot/options.ts";
import type { PictureSettings, RobotOptions } from "./robot/options.ts";
import { RpcServer } from "./robot/rpc.ts";
import { Signalling } from "./robot/signalling.ts";
import { Tokens } from "./robot/tokens.ts";
import { Viewers } from "./robot/viewers.ts";

export type { RobotOptions } from "./robot/options.ts";

/** Where a robot answers, and what a client needs to trust it. */
export interface RobotAddress {
  readonly host: string;
  /** gRPC over TLS. */
  readonly grpcPort: number;
  /** HTTPS with `/h264.sdp`. */
  readonly cameraPort: number;
  /** The root of the gRPC certificate, PEM. */
  readonly caPem: string;
  /** SHA-256 of the gRPC server's certificate, `AB:CD:...`. */
  readonly grpcFingerprint256: string;
  /** SHA-256 of the camera's self-signed certificate, and the certificate itself, PEM. */
  readonly cameraFingerprint256: string;
  readonly cameraCertificatePem: string;
}

/** What a robot has done since it was started. */
export interface RobotCounters {
  readonly frames: number;
  readonly idrFrames: number;
  /** Frames not made because this machine was too slow to encode them. */
  readonly skippedFrames: number;
  /** RTP packets of all viewers that went out, retransmissions included, and those that the simulated network lost. */
  readonly packets: number;
  readonly lostPackets: number;
  /** Packets that viewers asked for again, and how often they asked for an IDR. */
  readonly nackedPackets: number;
  readonly plis: number;
  /** Connected viewers now, and ever. */
  readonly viewers: number;
  readonly viewersEver: number;
  readonly rpcCalls: number;
}

/** A running robot. Everything that goes wrong with a real one can be made to happen. */
export interface Robot extends AsyncDisposable {
  readonly address: RobotAddress;
  readonly options: RobotOptions;
  readonly counters: RobotCounters;
  /** The newest frames that were sent, oldest first, at most 20000. */
  readonly frames: readonly LoggedFrame[];
  /** Frame numbers in the picture count modulo this until the first change; afterwards modulo 2^20. */
  readonly frameNumberModulus: number;
  /** What the camera's encoder is set to now. */
  readonly settings: PictureSettings;
  /** Whether a client has switched the camera's own congestion control on; it has no effect here. */
  readonly congestionControl: boolean;
  /** Resolves when the robot is closed; rejects with the `Fault` that ended its camera. */
  readonly done: Promise<void>;
  /** Loss and reordering on the way to the viewers, percent. */
  setNetwork(faults: Partial<NetworkFaults>): void;
  /** Changes the picture live: size, bit rate, IDRs, profile. */
  change(change: PictureChange): void;
  setScreen(screen: string): void;
  /** The camera starts anew: SSRC, sequence numbers and timestamps, and another size if one is given. */
  restart(size?: { readonly width: number; readonly height: number }): void;
  /** Sends no media for a while. */
  beSilent(milliseconds: number): void;
  setClockSkew(ppm: number): void;
  /** Makes every token that was given out worthless. */
  expireTokens(): void;
  /** Takes the camera's services out of the directory, or puts them back. */
  setServices(run: boolean): void;
  /** Cuts every connection without a word and resets new ones, until `appear`. */
  vanish(): Promise<void>;
  appear(): Promise<void>;
}

/**
 * Starts a robot on ports that the kernel chooses, of the loopback address unless `host` says otherwise. The first time with new picture settings it encodes its
 * loop, which takes some seconds. An abort of `signal` closes it; so does disposal. Rejects with a `Fault` when it
 * cannot be started, and when the abort comes before it is.
 */
export async function startRobot(settings: Partial<RobotOptions>, signal: AbortSignal): Promise<Robot> {
  const options: RobotOptions = { ...defaultRobotOptions(), ...settings };
  const tokens = new Tokens(options.tokenLifeMs);
  const viewers = new Viewers(options);
  const log = new FrameLog();
  const life = childSignal(signal);
  let fault: Fault | undefined;

  await using starting = new AsyncDisposableStack();
  starting.use(life);
  const [robotIdentity, cameraIdentity] = await Promise.all([createRobotIdentity(), createCameraIdentity()]);
  const cameraHooks: CameraHooks = {
    hasViewers: () => viewers.connected > 0,
    onFrame(frame) {
      if (viewers.connected > 0) log.add(frame, nowUs());
      viewers.sendPicture(frame);
    },
    onSound: (packet, seconds) => viewers.sendSound(packet, seconds),
    onSecond: (seconds, unixSeconds) => viewers.sendReports(seconds, unixSeconds),
    onFault(cameraFault) {
      fault ??= cameraFault;
      life.abort();
    },
  };
  const camera = await Camera.start(options, firstScreen, cameraHooks, life.signal);
  starting.defer(() => camera.close());
  viewers.onPli = () => camera.requestKeyframe();

  const startedUs = nowUs();
  let servicesRun = true;
  const cameraServicesRun = (): boolean =>
    servicesRun && nowUs() - startedUs >= options.servicesAfterMs * 1000;
  const rpc = new RpcServer(tokens);
  addBaseServices(rpc, options, tokens, cameraServicesRun);
  const controls = addCameraServices(rpc, options, camera, cameraServicesRun);
  let signalling = new Signalling(cameraIdentity, tokens, () => viewers.create());
  let deadPorts: readonly AsyncDisposable[] = [];
  const leaveDeadPorts = async (): Promise<void> => {
    await Promise.all(deadPorts.map((port) => port[Symbol.asyncDispose]()));
    deadPorts = [];
  };
  const hangUp = async (): Promise<void> => {
    rpc.close();
    await Promise.all([signalling.close(), viewers.close()]);
  };
  starting.defer(leaveDeadPorts);
  starting.defer(hangUp);
  const address: RobotAddress = {
    host: options.host,
    grpcPort: await rpc.listen(robotIdentity, options.host, 0),
    cameraPort: await signalling.listen(options.host, 0),
    caPem: robotIdentity.caPem,
    grpcFingerprint256: robotIdentity.fingerprint256,
    cameraFingerprint256: cameraIdentity.fingerprint256,
    cameraCertificatePem: cameraIdentity.certificatePem,
  };

  const parts = starting.move();
  const done = (async () => {
    if (!life.signal.aborted) await once(life.signal, "abort");
    await parts.disposeAsync();
    if (fault !== undefined) throw fault;
  })();
  done.catch(() => {}); // whoever starts a robot may wait for it, nobody has to

  return {
    address,
    options,
    done,
    get counters() {
      const { frames, idrFrames } = log;
      return { frames, idrFrames, skippedFrames: camera.skipped, rpcCalls: rpc.calls, ...viewers.counters };
    },
    get frames() {
      return log.newest;
    },
    get frameNumberModulus() {
      return camera.numberModulus;
    },
    get settings() {
      return camera.settings;
    },
    get congestionControl() {
      return controls.congestionControl;
    },
    setNetwork: (faults) => viewers.setNetwork(faults),
    change: (change) => camera.change(change),
    setScreen: (screen) => camera.setScreen(screen),
    restart: (size) => camera.restart(size),
    beSilent: (milliseconds) => camera.beSilent(milliseconds),
    setClockSkew(ppm) {
      camera.clock.skewPpm = ppm;
    },
    expireTokens: () => tokens.expireAll(),
    setServices(run) {
      servicesRun = run;
    },
    async vanish() {
      await hangUp();
      deadPorts = await Promise.all(
        [address.grpcPort, address.cameraPort].map((port) => keepDeadPort(address.host, port)),
      );
    },
    async appear() {
      await leaveDeadPorts();
      signalling = new Signalling(cameraIdentity, tokens, () => viewers.create());
      await Promise.all([
        rpc.listen(robotIdentity, address.host, address.grpcPort),
        signalling.listen(address.host, address.cameraPort),
      ]);
    },
    async [Symbol.asyncDispose]() {
      life.abort();
      await done.catch(() => {}); // told by `done`
    },
  };
}
