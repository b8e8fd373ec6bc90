import { createJournal } from "../../src/control/journal.ts";
import { createMask } from "../../src/lib/log.ts";
import { readFileSync } from "node:fs";
import { createSpotSource } from "../../src/camera/spot/source.ts";
import { TokenKeeper } from "../../src/camera/spot/token.ts";
import { createHttpSurface } from "../../src/control/http/surface.ts";
import type { Source } from "../../src/domain/media.ts";
import type { Onlooker, Preview, PreviewMessage } from "../../src/domain/preview.ts";
import { Secret } from "../../src/domain/secret.ts";
import { createPreview } from "../../src/outputs/preview/preview.ts";
import { nowUs } from "../../src/lib/clock.ts";
import { createMemoryLine } from "../unit/control/http/memory-line.ts";
import type { RunningRobot } from "./appliance.ts";
import type { Chromium, Page } from "./chromium.ts";

/** The preview behind a real HTTP surface, which looks on at a camera. */
export interface PreviewLine extends AsyncDisposable {
  readonly url: string;
  readonly preview: Preview & Onlooker;
  readonly source: Source;
  /** When each picture was there as a whole, milliseconds since 1970, by its RTP timestamp. */
  readonly receivedMs: ReadonlyMap<number, number>;
  /** Resolves when there is one: before it nobody can be shown anything. */
  readonly firstKeyframe: Promise<void>;
}

export interface PreviewLineOptions {
  readonly maxViewers?: number;
  readonly port?: number;
  /** Hands a picture on, or keeps it. */
  readonly filter?: () => boolean;
}

/** Runs the robot's camera and shows it, in this process. */
export async function startPreviewLine(
  robot: RunningRobot,
  options: PreviewLineOptions = {},
): Promise<PreviewLine> {
  const preview = createPreview({ maxViewers: options.maxViewers ?? 4 });
  const source = createSource(robot);
  const controller = new AbortController();
  const receivedMs = new Map<number, number>();
  const attendance = preview.attend(source);
  const [first, firstKeyframe] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const running = source.run((unit) => {
    if (unit.kind !== "video" || options.filter?.() === false) return;
    receivedMs.set(unit.rtpTimestamp, performance.timeOrigin + unit.receivedUs / 1000);
    attendance.show(unit);
    first.resolve();
    if (unit.keyframe) firstKeyframe.resolve();
  }, controller.signal);
  const url = Promise.withResolvers<string>();
  const surface = createHttpSurface({
    host: "127.0.0.1",
    port: options.port ?? 0,
    user: "ann",
    allowedHosts: [],
    maxEventClients: 2,
    version: "1.2.3",
    journal: createJournal(createMask()),
    preview,
    onListening: url.resolve,
  })(createMemoryLine().context, controller.signal);
  await Promise.race([Promise.all([first.promise, url.promise]), running, surface]);
  return {
    url: await url.promise,
    preview,
    source,
    receivedMs,
    firstKeyframe: firstKeyframe.promise,
    async [Symbol.asyncDispose]() {
      controller.abort();
      await Promise.all([running, surface]);
      attendance[Symbol.dispose]();
    },
  };
}

function createSource({ up: { address, username, password } }: RunningRobot): Source {
  const secret = new Secret(password);
  return createSpotSource({
    robot: {
      host: address.host,
      port: address.grpcPort,
      trust: { kind: "fingerprint", sha256: address.grpcFingerprint256 },
    },
    camera: {
      host: address.host,
      port: address.cameraPort,
      trust: { kind: "fingerprint", sha256: address.cameraFingerprint256 },
    },
    tokens: new TokenKeeper({ kind: "password", username, password: secret }, () => {}),
    onLoss: "freeze",
    audio: false,
    stallMs: 5000,
    report: () => {},
  });
}

/** One picture that a page has shown. */
export interface SeenFrame {
  readonly number: number | null;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly rtp: number | null;
  readonly width: number;
  readonly height: number;
}

/** A page that looks at the preview. */
export interface PreviewPage {
  readonly page: Page;
  untilSeen(pictures: number): Promise<void>;
  frames(): Promise<SeenFrame[]>;
  messages(): Promise<PreviewMessage[]>;
}

const script = readFileSync(new URL("preview-page.js", import.meta.url), "utf8");

/** Opens a page of the line's own origin. Its address may be one that a relay stands behind. */
export async function watchPreview(
  chromium: Chromium,
  url: string,
  latency: "live" | "smooth" = "smooth",
  transport: "webrtc" | "websocket" = "webrtc",
): Promise<PreviewPage> {
  const page = await chromium.open(`${url}/api/status`, { bypassPolicy: true });
  const address = `${url.replace("http", "ws")}/api/preview`;
  await page.evaluate(
    `${script};globalThis.viewer = watchPreview(${JSON.stringify(address)}, "${latency}", "${transport}"); 0`,
  );
  return {
    page,
    untilSeen: (pictures) => page.evaluate(`viewer.untilSeen(${pictures})`),
    frames: () => page.evaluate("viewer.frames"),
    messages: () => page.evaluate("viewer.messages"),
  };
}

export const wallMs = (): number => performance.timeOrigin + nowUs() / 1000;
