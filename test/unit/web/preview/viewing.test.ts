import { describe, expect, it } from "vitest";
import type { Browser, View } from "../../../../src/web/preview/ports.ts";
import { patienceMs, startViewing } from "../../../../src/web/preview/viewing.ts";
import type { Viewing } from "../../../../src/web/preview/viewing.ts";

type Events = Parameters<Browser["openSocket"]>[0];

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
}

interface FakeBrowser {
  readonly viewing: Viewing;
  /** What the page has sent, by socket. */
  readonly sockets: {
    readonly events: Events;
    readonly sent: Record<string, unknown>[];
    isClosed: boolean;
  }[];
  readonly views: View[];
  readonly played: number[];
  hidden: boolean;
  /** What `prepare` gives. */
  missing: string | undefined;
  /** What the answer to the next offers is. */
  answer: () => Promise<string>;
  failPeer: (reason: string) => void;
  pass(ms: number): void;
  /** The newest socket tells something. */
  tell(message: object): void;
}

/** A browser in which time passes when it is told to. */
function start(): FakeBrowser {
  let nowMs = 0;
  const timers = new Set<Timer>();
  const browser: Browser = {
    openSocket(events) {
      const socket = { events, sent: [] as Record<string, unknown>[], isClosed: false };
      fake.sockets.push(socket);
      return {
        send: (text) => socket.sent.push(JSON.parse(text) as Record<string, unknown>),
        close: () => (socket.isClosed = true),
      };
    },
    answer: (_offer, { onFailed }) => {
      fake.failPeer = onFailed;
      return fake.answer();
    },
    addCandidate() {},
    closePeer() {},
    prepare: () => fake.missing,
    play: ({ rtpTimestamp }) => fake.played.push(rtpTimestamp),
    closePlayer() {},
    isHidden: () => fake.hidden,
    after(ms, callback) {
      const timer = { dueMs: nowMs + ms, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    show: (view) => fake.views.push(view),
  };
  const fake: Omit<FakeBrowser, "viewing"> = {
    sockets: [],
    views: [],
    played: [],
    hidden: false,
    missing: undefined,
    answer: () => Promise.resolve("an answer"),
    failPeer: () => {},
    pass(ms) {
      const end = nowMs + ms;
      for (;;) {
        const [next] = [...timers].filter(({ dueMs }) => dueMs <= end).toSorted((a, b) => a.dueMs - b.dueMs);
        if (next === undefined) break;
        timers.delete(next);
        nowMs = next.dueMs;
        next.callback();
      }
      nowMs = end;
    },
    tell: (message) => fake.sockets.at(-1)?.events.onMessage(JSON.stringify(message)),
  };
  return Object.assign(fake, { viewing: startViewing(browser, "smooth") });
}

const offer = (id: number): object => ({ type: "offer", id, sdp: "an offer", iceServers: [] });
const format = { type: "format", codec: "avc1.640028", width: 1920, height: 1080 };

function startAndOpen(): FakeBrowser {
  const browser = start();
  browser.sockets[0]?.events.onOpen();
  return browser;
}

const sentOf = (browser: FakeBrowser): Record<string, unknown>[] => browser.sockets.at(-1)?.sent ?? [];
const viewOf = (browser: FakeBrowser): View | undefined => browser.views.at(-1);

/** Two offers after which no picture comes. */
function failTwice(browser: FakeBrowser): void {
  browser.tell(offer(1));
  browser.pass(patienceMs);
  browser.tell(offer(2));
  browser.pass(patienceMs);
}

describe("a viewing", () => {
  it("asks for WebRTC first and answers the offer", async () => {
    const browser = startAndOpen();
    browser.tell(offer(1));
    await Promise.resolve();
    expect(sentOf(browser)).toEqual([
      { type: "watch", latency: "smooth", transport: "webrtc" },
      { type: "answer", id: 1, sdp: "an answer" },
    ]);
    browser.viewing.onPicture();
    expect(viewOf(browser)).toMatchObject({ state: "playing", transport: "webrtc", note: "" });
  });

  it("asks for another offer when no picture has come for five seconds", () => {
    const browser = startAndOpen();
    browser.tell(offer(1));
    browser.pass(patienceMs - 1);
    expect(sentOf(browser).some(({ type }) => type === "failed")).toBe(false);
    browser.pass(1);
    expect(sentOf(browser).at(-1)).toEqual({
      type: "failed",
      id: 1,
      reason: "no picture came within 5 s",
    });
  });

  it("does so at once when the connection fails, and when the offer cannot be answered", async () => {
    const browser = startAndOpen();
    browser.tell(offer(1));
    browser.failPeer("no way was found");
    expect(sentOf(browser).at(-1)).toMatchObject({ type: "failed", id: 1, reason: "no way was found" });
    browser.answer = () => Promise.reject(new Error("not an offer"));
    browser.tell(offer(2));
    await new Promise(setImmediate);
    expect(sentOf(browser).at(-1)).toMatchObject({ type: "watch", transport: "websocket" });
    expect(viewOf(browser)?.note).toContain("not an offer");
  });

  it("takes the websocket after two failures, and says why", () => {
    const browser = startAndOpen();
    failTwice(browser);
    expect(sentOf(browser).at(-1)).toEqual({ type: "watch", latency: "smooth", transport: "websocket" });
    browser.tell(format);
    browser.viewing.onPicture();
    expect(viewOf(browser)).toMatchObject({ state: "playing", transport: "websocket" });
    expect(viewOf(browser)?.note).toContain("no picture came within 5 s");
  });

  it("plays frames that come over the websocket, and none that come before it is asked for", () => {
    const browser = startAndOpen();
    const message = new ArrayBuffer(20);
    const view = new DataView(message);
    view.setUint8(0, 1);
    view.setUint32(4, 90_000);
    browser.sockets[0]?.events.onMessage(message);
    expect(browser.played).toEqual([]);
    failTwice(browser);
    browser.sockets[0]?.events.onMessage(message);
    expect(browser.played).toEqual([90_000]);
  });

  it("says that this browser cannot play the pictures", () => {
    const browser = startAndOpen();
    browser.missing = "This browser cannot play them.";
    failTwice(browser);
    browser.tell(format);
    browser.pass(60_000);
    expect(viewOf(browser)).toMatchObject({ state: "unsupported", text: "This browser cannot play them." });
    expect(browser.sockets).toHaveLength(1);
  });

  it("does not take an idle camera for a failure", () => {
    const browser = startAndOpen();
    browser.tell({ type: "source", state: "idle", text: "The line is idle." });
    browser.pass(60_000);
    expect(viewOf(browser)).toMatchObject({ state: "waiting", text: "The line is idle." });
    expect(sentOf(browser)).toHaveLength(1);
    browser.tell(offer(0));
    browser.pass(60_000);
    expect(browser.sockets.flatMap(({ sent }) => sent)).toHaveLength(1);
    browser.tell({ type: "source", state: "running", text: "" });
    browser.tell(offer(1));
    browser.viewing.onPicture();
    expect(viewOf(browser)?.state).toBe("playing");
  });

  it("does not take a hidden page, in which nothing is drawn, for a failure", () => {
    const browser = startAndOpen();
    browser.tell(offer(1));
    browser.hidden = true;
    browser.pass(60_000);
    browser.hidden = false;
    browser.viewing.onShown();
    browser.pass(patienceMs - 1);
    expect(sentOf(browser).some(({ type }) => type === "failed")).toBe(false);
    browser.pass(1);
    expect(sentOf(browser).at(-1)).toMatchObject({ type: "failed" });
  });

  it("notices a picture that stands still", () => {
    const browser = startAndOpen();
    browser.tell(offer(1));
    for (let second = 0; second < 20; second += 1) {
      browser.viewing.onPicture();
      browser.pass(1000);
    }
    expect(sentOf(browser).some(({ type }) => type === "failed")).toBe(false);
    browser.pass(patienceMs);
    expect(sentOf(browser).at(-1)).toMatchObject({ type: "failed", id: 1 });
  });

  it("connects anew when the connection is gone, ever more patiently, and the same way as before", () => {
    const browser = startAndOpen();
    failTwice(browser);
    for (const pause of [500, 1000, 2000, 4000, 4000]) {
      const { length } = browser.sockets;
      browser.sockets.at(-1)?.events.onClose();
      browser.pass(pause - 1);
      expect(browser.sockets).toHaveLength(length);
      browser.pass(1);
      expect(browser.sockets).toHaveLength(length + 1);
    }
    browser.sockets.at(-1)?.events.onOpen();
    expect(sentOf(browser)).toEqual([{ type: "watch", latency: "smooth", transport: "websocket" }]);
  });

  it("shows why it was refused, and asks again later", () => {
    const browser = startAndOpen();
    browser.tell({ type: "refused", code: "too-many-viewers", text: "All 4 places are taken." });
    expect(viewOf(browser)).toMatchObject({ state: "waiting", text: "All 4 places are taken." });
    browser.sockets[0]?.events.onClose();
    browser.pass(9999);
    expect(browser.sockets).toHaveLength(1);
    browser.pass(1);
    expect(browser.sockets).toHaveLength(2);
  });

  it("takes the websocket at once where there is no WebRTC", () => {
    const browser = startAndOpen();
    browser.tell({ type: "refused", code: "no-webrtc", text: "WebRTC cannot be offered here." });
    expect(sentOf(browser).at(-1)).toMatchObject({ type: "watch", transport: "websocket" });
    expect(viewOf(browser)?.note).toBe("WebRTC cannot be offered here.");
    expect(browser.sockets).toHaveLength(1);
  });

  it("begins with WebRTC again when it is told to", () => {
    const browser = startAndOpen();
    failTwice(browser);
    browser.viewing.retry();
    browser.pass(1000);
    browser.sockets.at(-1)?.events.onOpen();
    expect(browser.sockets).toHaveLength(2);
    expect(browser.sockets[0]?.isClosed).toBe(true);
    expect(sentOf(browser)).toMatchObject([{ transport: "webrtc" }]);
  });

  it("tells of another latency without connecting anew", () => {
    const browser = startAndOpen();
    browser.viewing.setLatency("live");
    expect(sentOf(browser).at(-1)).toEqual({ type: "watch", latency: "live", transport: "webrtc" });
    expect(browser.sockets).toHaveLength(1);
  });

  it("does nothing any more after its end", () => {
    const browser = startAndOpen();
    browser.tell(offer(1));
    browser.viewing.end();
    const { length } = browser.views;
    browser.sockets[0]?.events.onClose();
    browser.pass(60_000);
    browser.viewing.onPicture();
    expect(browser.sockets).toHaveLength(1);
    expect(browser.sockets[0]?.isClosed).toBe(true);
    expect(browser.views).toHaveLength(length);
  });
});
