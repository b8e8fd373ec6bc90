import { Fault, toFault } from "../domain/fault.ts";
import { Secret } from "../domain/secret.ts";
import type { Report } from "../domain/status.ts";
import { nowUs } from "../lib/clock.ts";
import { childSignal } from "../lib/signals.ts";
import type { ResolveTarget } from "./rtmp.ts";
import { shakeHands } from "./rtmp-knock.ts";
import { parseRtmpUrl } from "./server-socket.ts";
import {
  fallbackList,
  fetchIngestList,
  parseIngestList,
  readCachedList,
  writeCachedList,
} from "./twitch-list.ts";
import type { IngestList } from "./twitch-list.ts";

export interface TwitchOptions {
  /** The output's name, for notices. */
  readonly name: string;
  readonly streamKey: Secret;
  /** A fixed ingest, such as `rtmps://host:443/app`: no list is asked for then. */
  readonly ingest?: string;
  /** Publishes without going live, to measure the uplink. */
  readonly bandwidthTest: boolean;
  /** The file in which the last good list is kept. */
  readonly cachePath: string;
  /** Where the list comes from; Twitch's own address if absent. */
  readonly listUrl?: string;
  /** PEM of an authority that is trusted besides the system's. */
  readonly ca?: string | Buffer;
  readonly report: Report;
}

export const twitchListUrl = "https://ingest.twitch.tv/ingests";
const freshUs = 600_000_000;
const candidates = 5;
const handshakeMs = 3000;

/** Finds Twitch's nearest ingest for each connection: the first of the best five that completes an RTMP handshake. */
export function createTwitchTarget(options: TwitchOptions): ResolveTarget {
  const streamKey = options.bandwidthTest ? withBandwidthTest(options.streamKey) : options.streamKey;
  const { ingest } = options;
  if (ingest !== undefined) {
    const url = ingest.replace(/\/\{stream_key\}$/, "");
    parseRtmpUrl(url);
    return () => Promise.resolve({ url, streamKey });
  }
  let known: { readonly list: IngestList; readonly atUs: number } | undefined;
  return async (signal) => {
    if (known === undefined || nowUs() - known.atUs > freshUs) {
      const list = await fetchAndKeep(options, signal);
      if (list !== undefined) known = { list, atUs: nowUs() };
    }
    const list = known?.list ?? (await readCachedList(options.cachePath)) ?? fallbackList;
    return { url: await findNearest(list.urls.slice(0, candidates), options.ca, signal), streamKey };
  };
}

function withBandwidthTest(streamKey: Secret): Secret {
  const key = streamKey.reveal();
  return new Secret(`${key}${key.includes("?") ? "&" : "?"}bandwidthtest=true`);
}

/** Undefined, with a notice, when Twitch cannot be asked: an older list will do. */
async function fetchAndKeep(options: TwitchOptions, signal: AbortSignal): Promise<IngestList | undefined> {
  const warn = (text: string): void =>
    options.report({ type: "notice", part: `output/${options.name}`, severity: "warning", text });
  let text: string;
  let list: IngestList;
  try {
    text = await fetchIngestList(options.listUrl ?? twitchListUrl, signal);
    list = parseIngestList(text);
  } catch (error) {
    if (!signal.aborted) warn(`${toFault(error).message}. The last known list is used.`);
    return undefined;
  }
  if (list.skipped > 0)
    warn(`${list.skipped} entries of Twitch's list of ingests were not usable and left out.`);
  try {
    await writeCachedList(options.cachePath, text);
  } catch (error) {
    warn(toFault(error, "internal", "Twitch's list of ingests could not be kept for the next start").message);
  }
  return list;
}

/**
 * Gives the URL that completes TCP, TLS and RTMP handshakes first. Rejects with the first one's `Fault` when none does
 * within 3 s.
 */
export async function findNearest(
  urls: readonly string[],
  ca: string | Buffer | undefined,
  signal: AbortSignal,
): Promise<string> {
  using scope = childSignal(signal);
  const timer = setTimeout(() => scope.abort(), handshakeMs);
  const attempts = urls.map((url) => shakeHands(url, ca, scope.signal).then(() => url));
  try {
    return await Promise.any(attempts);
  } catch {
    const [first] = await Promise.allSettled(attempts);
    const reason = first?.status === "rejected" ? toFault(first.reason) : undefined;
    if (reason !== undefined && reason.code !== "output-closed") throw reason;
    throw new Fault(
      "output-unreachable",
      `None of ${urls.length} ingests answered within ${handshakeMs / 1000} s.`,
    );
  } finally {
    clearTimeout(timer);
  }
}
