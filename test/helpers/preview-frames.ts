import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Page, WebSocketRoute } from "playwright-core";
import { splitAnnexB, typeOf } from "../../src/media/h264.ts";

const run = promisify(execFile);
const frameRate = 25;

export interface TestPicture {
  readonly isKey: boolean;
  /** Annex B. */
  readonly data: Buffer;
}

/** Some seconds of a moving test picture, as a camera sends it: no B-frames, parameter sets with each IDR. */
export async function encodeTestPictures(size = "640x360", seconds = 2): Promise<readonly TestPicture[]> {
  const { stdout } = await run(
    "ffmpeg",
    [
      ...["-v", "error", "-f", "lavfi", "-i", `testsrc2=size=${size}:rate=${frameRate}:duration=${seconds}`],
      ...["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-profile:v", "baseline"],
      ...["-pix_fmt", "yuv420p", "-g", String(frameRate), "-x264-params", "aud=1:sliced-threads=0"],
      ...["-f", "h264", "pipe:1"],
    ],
    { encoding: "buffer", maxBuffer: 64 * 1024 * 1024 },
  );
  const pictures: Buffer[][] = [];
  for (const nalu of splitAnnexB(stdout)) {
    if (typeOf(nalu) === 9) pictures.push([]);
    pictures.at(-1)?.push(Buffer.from([0, 0, 0, 1]), Buffer.from(nalu));
  }
  return pictures.map((parts) => ({
    isKey: parts.some((part) => part.length > 4 && typeOf(part) === 5),
    data: Buffer.concat(parts),
  }));
}

/** One binary message of the preview's websocket. */
export function frameMessage({ isKey, data }: TestPicture, ptsUs: number): Buffer {
  const header = Buffer.alloc(16);
  header[0] = 1;
  header[1] = isKey ? 1 : 0;
  header.writeUInt32BE(Math.round((ptsUs * 9) / 100) >>> 0, 4);
  header.writeDoubleBE(ptsUs, 8);
  return Buffer.concat([header, data]);
}

/** What a page said on its preview socket, and the socket itself. */
export interface PreviewPeer {
  readonly said: Readonly<Record<string, unknown>>[];
  /** Sockets that the page has opened so far. */
  readonly sockets: WebSocketRoute[];
}

/**
 * Stands for the server's end of the preview: tells the source's state, never gets WebRTC through, and sends the test
 * pictures over the websocket when that is asked for.
 */
export async function routePreview(
  page: Page,
  pictures: readonly TestPicture[],
  source: { readonly state: string; readonly text: string } = { state: "running", text: "" },
): Promise<PreviewPeer> {
  const peer: PreviewPeer = { said: [], sockets: [] };
  await page.routeWebSocket(/\/api\/preview$/, (socket) => {
    let timer: NodeJS.Timeout | undefined;
    let offers = 0;
    const tell = (message: object): void => socket.send(JSON.stringify(message));
    const offer = (): void => tell({ type: "offer", id: (offers += 1), sdp: "v=0\r\n", iceServers: [] });
    peer.sockets.push(socket);
    socket.onClose(() => clearInterval(timer));
    socket.onMessage((text) => {
      const message = JSON.parse(String(text)) as Readonly<Record<string, unknown>>;
      peer.said.push(message);
      if (message["type"] === "failed") return offer();
      if (message["type"] !== "watch") return undefined;
      tell({ type: "source", ...source });
      if (source.state !== "running") return undefined;
      if (message["transport"] === "webrtc") return offer();
      clearInterval(timer);
      tell({ type: "format", codec: "avc1.42c01f", width: 640, height: 360 });
      let next = 0;
      timer = setInterval(() => {
        const picture = pictures[next % pictures.length];
        if (picture !== undefined) socket.send(frameMessage(picture, (next * 1_000_000) / frameRate));
        next += 1;
      }, 1000 / frameRate);
      return undefined;
    });
  });
  return peer;
}
