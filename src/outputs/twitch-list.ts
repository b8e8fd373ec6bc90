import { open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { Fault, toFault } from "../domain/fault.ts";
import { parseRtmpUrl } from "./server-socket.ts";

/** Ingests in Twitch's order of preference. */
export interface IngestList {
  /** Without the stream key; rtmps only, if the list offers any. */
  readonly urls: readonly string[];
  /** Entries that could not be used. */
  readonly skipped: number;
}

/** Used when Twitch cannot be asked and never could: it leads to the nearest ingest by itself. */
export const fallbackList: IngestList = {
  urls: ["rtmps://ingest.global-contribute.live-video.net:443/app"],
  skipped: 0,
};

const fetchMs = 3000;
const mostBytes = 1 << 20;
const keyPlaceholder = /\/\{stream_key\}$/;

/**
 * Reads the answer of https://ingest.twitch.tv/ingests. Only `url_template` is sure to be there: `url_template_secure`,
 * `priority` and `availability` are used where they are. Throws a `Fault` (`malformed`) when nothing in it is usable.
 */
export function parseIngestList(text: string): IngestList {
  const entries = ingestsIn(text);
  const usable = entries.map(parseEntry).filter((entry) => entry !== undefined);
  usable.sort((a, b) => a.priority - b.priority || a.id - b.id);
  const secure = usable.flatMap((entry) => entry.secureUrl ?? []);
  const urls = secure.length > 0 ? secure : usable.flatMap((entry) => entry.url ?? []);
  if (urls.length === 0) {
    throw new Fault(
      "malformed",
      `Expected Twitch's list of ingests, got ${entries.length} entries and none usable.`,
    );
  }
  return { urls, skipped: entries.length - usable.length };
}

function ingestsIn(text: string): readonly unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Fault("malformed", "Expected Twitch's list of ingests as JSON, got something else.", {
      cause: error,
    });
  }
  const ingests = isRecord(value) ? value["ingests"] : undefined;
  return Array.isArray(ingests) ? ingests : [];
}

interface Entry {
  readonly id: number;
  readonly priority: number;
  readonly url: string | undefined;
  readonly secureUrl: string | undefined;
}

function parseEntry(value: unknown): Entry | undefined {
  if (!isRecord(value) || value["availability"] === 0) return undefined;
  const url = urlFrom(value["url_template"]);
  const secureUrl = urlFrom(value["url_template_secure"]);
  if (url === undefined && secureUrl === undefined) return undefined;
  return { id: numberOr(value["_id"], Infinity), priority: numberOr(value["priority"], 0), url, secureUrl };
}

function urlFrom(template: unknown): string | undefined {
  if (typeof template !== "string" || !keyPlaceholder.test(template)) return undefined;
  const url = template.replace(keyPlaceholder, "");
  try {
    parseRtmpUrl(url);
    return url;
  } catch {
    return undefined;
  }
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === "number" && Number.isFinite(value) ? value : otherwise;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** Asks for the list, within 3 s and 1 MiB. Rejects with a `Fault`. Gives the text, so that it can be kept as it is. */
export async function fetchIngestList(url: string, signal: AbortSignal): Promise<string> {
  const limit = AbortSignal.timeout(fetchMs);
  const either = AbortSignal.any([signal, limit]);
  try {
    const response = await fetch(url, { signal: either, redirect: "error" });
    if (!response.ok)
      throw new Fault("output-unreachable", `Twitch's list of ingests answered ${response.status}.`);
    const parts: Uint8Array[] = [];
    let length = 0;
    const body: AsyncIterable<Uint8Array> | readonly Uint8Array[] = response.body ?? [];
    for await (const part of body) {
      length += part.length;
      if (length > mostBytes) throw new Fault("malformed", "Twitch's list of ingests is longer than 1 MiB.");
      parts.push(part);
    }
    return Buffer.concat(parts).toString("utf8");
  } catch (error) {
    throw toFault(error, "output-unreachable", "Twitch's list of ingests could not be fetched");
  }
}

/** The list kept on disk; undefined when there is none that can be read. */
export async function readCachedList(path: string): Promise<IngestList | undefined> {
  try {
    return parseIngestList(await readFile(path, "utf8"));
  } catch {
    return undefined;
  }
}

/** Replaces the kept list so that a power cut leaves either the old or the new one. */
export async function writeCachedList(path: string, text: string): Promise<void> {
  const part = `${path}.tmp`;
  await using file = await open(part, "w", 0o644);
  await file.writeFile(text);
  await file.sync();
  await rename(part, path);
  await using directory = await open(dirname(path), "r");
  await directory.sync();
}
