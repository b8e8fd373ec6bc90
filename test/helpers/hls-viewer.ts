import { once } from "node:events";
import { watch } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { basename, extname, join } from "node:path";
import { startChromium } from "./chromium.ts";

/** What a viewer has noticed. All `...Ms` count from when the page began to load. */
export interface ViewerReport {
  /** Null: no picture yet. */
  readonly firstPictureMs: number | null;
  /** Each time that the playhead did not move for more than 500 ms while playing. */
  readonly stalls: readonly {
    readonly startMs: number;
    readonly lengthMs: number;
    readonly lasting: boolean;
  }[];
  /** Where hls.js moved the playhead, as it does for a viewer who is too far behind. */
  readonly jumps: readonly { readonly atMs: number; readonly seconds: number }[];
  /** What hls.js complained of: `bufferStalledError` in `details` for example. */
  readonly errors: readonly {
    readonly atMs: number;
    readonly type: string;
    readonly details: string;
    readonly fatal: boolean;
  }[];
  /** The picture's sizes; the first one is there from the start. */
  readonly resizes: readonly { readonly atMs: number; readonly width: number; readonly height: number }[];
  readonly width: number;
  readonly height: number;
  /** Seconds: where the playhead stands. */
  readonly currentTime: number;
  /** Seconds of the stream that were played, without jumps. */
  readonly played: number;
  readonly frames: { readonly decoded: number; readonly dropped: number };
}

/** A viewer in Chromium, muted, who plays a live HLS stream with hls.js three segments behind its end. */
export interface HlsViewer extends AsyncDisposable {
  /** The id of Chromium's first process. */
  readonly pid: number;
  /** Resolves once the playhead moves and a picture is there. This and the other waits reject when hls.js gives up. */
  untilPlaying(): Promise<void>;
  /** Resolves when so many more seconds of the stream have been played. */
  untilPlayed(seconds: number): Promise<void>;
  /** Resolves when there is a stall, or has been one. */
  untilStalled(): Promise<void>;
  report(): Promise<ViewerReport>;
  /** Writes what is seen now as a PNG, in the size of the stream's picture. */
  screenshot(path: string): Promise<void>;
}

/** Waits until the playlist of the directory has the segments that a viewer at the live edge wants, and watches it. */
export async function openHlsViewer(directory: string, playlist: string): Promise<HlsViewer> {
  await using opened = new AsyncDisposableStack();
  const server = await serve(directory);
  opened.defer(() => close(server));
  const chromium = opened.use(await startChromium());
  await untilSegments(directory, playlist, 3);
  const { port } = server.address() as AddressInfo;
  const page = await chromium.open(`http://127.0.0.1:${port}/?playlist=/media/${playlist}`);
  const parts = opened.move();
  return {
    pid: chromium.pid,
    untilPlaying: () => page.evaluate("viewer.untilPlaying()"),
    untilPlayed: (seconds) => page.evaluate(`viewer.untilPlayed(${seconds})`),
    untilStalled: () => page.evaluate("viewer.untilStalled()"),
    report: () => page.evaluate("viewer.report()"),
    screenshot: async (path) => writeFile(path, await page.screenshot("video")),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

async function untilSegments(directory: string, playlist: string, count: number): Promise<void> {
  const watcher = watch(directory);
  try {
    for (;;) {
      const change = once(watcher, "change");
      const text = await readFile(join(directory, playlist), "utf8").catch(() => "");
      if ((text.match(/^#EXTINF:/gm)?.length ?? 0) >= count) return;
      await change;
    }
  } finally {
    watcher.close();
  }
}

const require = createRequire(import.meta.url);

const contentTypes: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".m3u8": "application/vnd.apple.mpegurl",
  ".ts": "video/mp2t",
};

/** The page, hls.js and the files of the directory, none of which the browser may keep. */
async function serve(directory: string): Promise<Server> {
  const files: Readonly<Record<string, string>> = {
    "/": join(import.meta.dirname, "hls-viewer.html"),
    "/hls.js": require.resolve("hls.js/dist/hls.min.js"),
  };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://viewer");
    const file = files[pathname] ?? join(directory, basename(pathname));
    const type = contentTypes[extname(file)] ?? "application/octet-stream";
    readFile(file).then(
      (body) => response.writeHead(200, { "content-type": type, "cache-control": "no-store" }).end(body),
      () => response.writeHead(404).end(),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
