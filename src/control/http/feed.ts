import type { ServerResponse } from "node:http";
import { childSignal } from "../../lib/signals.ts";
import type { Journal } from "../journal.ts";
import type { SurfaceContext } from "../surface.ts";
import type { History } from "./history.ts";

/** Every client of the event stream (server-sent events, HTML Living Standard 9.2). */
export interface Feed {
  readonly clients: number;
  /** Clients that were dropped because they did not read. */
  readonly dropped: number;
  /** Sends the full status, then every event, until the response is closed or `until` aborts. Its headers must have been written. */
  join(response: ServerResponse, until?: AbortSignal): void;
}

export interface FeedSources {
  readonly context: SurfaceContext;
  readonly history: History;
  readonly journal: Journal;
}

/** Bytes that may wait in this process for one client. */
const mostUnreadBytes = 65_536;
const statusEveryMs = 10_000;
/** How long a browser waits before it connects again. */
const reconnectMs = 2000;

/**
 * One subscription for all clients, none while there are none. The full status comes again and again: it keeps the
 * connection open, and tells what no event tells (settings, lock, camera).
 */
export function createFeed({ context, history, journal }: FeedSources, signal: AbortSignal): Feed {
  const clients = new Set<ServerResponse>();
  let dropped = 0;
  let listening: Disposable | undefined;

  function send(client: ServerResponse, frame: string): void {
    client.write(frame);
    if (client.writableLength <= mostUnreadBytes) return;
    dropped += 1;
    clients.delete(client);
    client.destroy();
  }

  const sendAll = (frame: string): void => {
    for (const client of clients) send(client, frame);
  };
  const statusFrame = (): string => frameOf("status", context.status());

  function listen(): Disposable {
    const scope = childSignal(signal);
    context.subscribe((event) => sendAll(frameOf(event.type, event)), scope.signal);
    history.subscribe((sample) => sendAll(frameOf("sample", sample)), scope.signal);
    journal.subscribe((entry) => sendAll(frameOf("journal", entry)), scope.signal);
    const timer = setInterval(() => sendAll(statusFrame()), statusEveryMs);
    return {
      [Symbol.dispose]() {
        clearInterval(timer);
        scope[Symbol.dispose]();
      },
    };
  }

  function leave(client: ServerResponse): void {
    clients.delete(client);
    if (clients.size > 0) return;
    listening?.[Symbol.dispose]();
    listening = undefined;
  }

  return {
    get clients() {
      return clients.size;
    },
    get dropped() {
      return dropped;
    },
    join(client, until) {
      const end = (): void => void client.destroy();
      until?.addEventListener("abort", end, { once: true });
      client.on("error", () => {}); // it has gone: "close" follows
      client.once("close", () => {
        until?.removeEventListener("abort", end);
        leave(client);
      });
      clients.add(client);
      listening ??= listen();
      send(client, `retry: ${reconnectMs}\n${statusFrame()}`);
    },
  };
}

function frameOf(event: string, value: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(value)}\n\n`;
}
