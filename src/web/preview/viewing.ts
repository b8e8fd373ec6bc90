import { parseFrame } from "./frame.ts";
import { parseMessage } from "./messages.ts";
import type { Format, Latency, SourceState, ToServer, Transport } from "./messages.ts";
import type { Browser, Socket, View } from "./ports.ts";

export interface Viewing {
  /** A picture was drawn. */
  onPicture(): void;
  /** The page is looked at again. */
  onShown(): void;
  setLatency(latency: Latency): void;
  /** Begins anew, the best way first. */
  retry(): void;
  end(): void;
}

export const patienceMs = 5000;
const failuresOfWebrtc = 2;
const reconnectMs = [500, 1000, 2000, 4000];
const refusedMs = 10_000;

/**
 * Looks at spotlive's preview: WebRTC first; where no picture has come five seconds after an offer, it asks for
 * another one; after two failures the frames come over the websocket. Goes on by itself after every interruption.
 */
export function startViewing(browser: Browser, startLatency: Latency): Viewing {
  let latency = startLatency;
  let transport: Transport = "webrtc";
  let source: SourceState = "running";
  let sourceText = "";
  let note = "";
  let failures = 0;
  let losses = 0;
  let offerId = -1;
  let isPlaying = false;
  let isEnded = false;
  let socket: Socket | undefined;
  let cancelWatchdog = (): void => {};
  let cancelReconnect = (): void => {};

  function show(state: View["state"], text: string): void {
    browser.show({ state, transport, source, text, note });
  }
  const send = (message: ToServer): void => socket?.send(JSON.stringify(message));
  const closePictures = (): void => {
    isPlaying = false;
    cancelWatchdog();
    browser.closePeer();
    browser.closePlayer();
  };

  /** Waits for the next picture; none within five seconds, where some should come, is a failure. */
  function watch(): void {
    cancelWatchdog();
    cancelWatchdog = browser.after(patienceMs, () => {
      if (source === "running" && !browser.isHidden()) fail("no picture came within 5 s");
    });
  }

  function fail(reason: string): void {
    if (isEnded) return;
    isPlaying = false;
    if (transport === "websocket") return reopen("The pictures have stopped. Trying again.");
    failures += 1;
    browser.closePeer();
    if (failures < failuresOfWebrtc) {
      show("trying", "The picture does not come through. Trying again.");
      send({ type: "failed", id: offerId, reason });
      watch();
      return;
    }
    fallBack(
      `WebRTC does not get through here (${reason}); the pictures come over the page's own connection.`,
    );
  }

  function fallBack(why: string): void {
    transport = "websocket";
    note = why;
    browser.closePeer();
    show("trying", "Trying another way.");
    send({ type: "watch", latency, transport });
    watch();
  }

  async function answer(id: number, sdp: string, iceServers: readonly unknown[]): Promise<void> {
    offerId = id;
    const isCurrent = (): boolean => offerId === id && transport === "webrtc" && !isEnded;
    watch();
    try {
      const answered = await browser.answer(
        { sdp, iceServers, latency },
        {
          onCandidate: (candidate) => isCurrent() && send({ type: "candidate", id, candidate }),
          onFailed: (reason) => isCurrent() && fail(reason),
        },
      );
      if (isCurrent()) send({ type: "answer", id, sdp: answered });
    } catch (error) {
      if (isCurrent()) fail(error instanceof Error ? error.message : String(error));
    }
  }

  function onSource(state: SourceState, text: string): void {
    const isBack = state === "running" && source !== "running";
    [source, sourceText] = [state, text];
    if (state !== "running") {
      cancelWatchdog();
      isPlaying = false;
      return show("waiting", text);
    }
    if (!isBack) return;
    show("trying", "The picture comes in a moment.");
    watch();
  }

  function onFormat(format: Format): void {
    if (transport !== "websocket") return;
    const missing = browser.prepare(format, latency);
    if (missing === undefined) return watch();
    closePictures();
    show("unsupported", missing);
  }

  function onText(text: string): void {
    const message = parseMessage(text);
    switch (message?.type) {
      case undefined:
        return;
      case "offer":
        if (transport === "webrtc") void answer(message.id, message.sdp, message.iceServers);
        return;
      case "candidate":
        if (message.id === offerId) browser.addCandidate(message.candidate);
        return;
      case "format":
        return onFormat(message);
      case "source":
        return onSource(message.state, message.text);
      case "refused":
        if (message.code === "no-webrtc" && transport === "webrtc") return fallBack(message.text);
        return reopen(message.text, refusedMs);
    }
  }

  /** Ends the connection and makes a new one after a pause. */
  function reopen(text: string, pauseMs?: number): void {
    closePictures();
    const old = socket;
    socket = undefined;
    old?.close();
    if (isEnded) return;
    show(pauseMs === undefined ? "trying" : "waiting", text);
    const pause = pauseMs ?? reconnectMs[Math.min(losses, reconnectMs.length - 1)] ?? 0;
    losses += 1;
    cancelReconnect();
    cancelReconnect = browser.after(pause, open);
  }

  function open(): void {
    cancelReconnect();
    source = "running";
    const opened = browser.openSocket({
      onOpen() {
        if (socket !== opened) return;
        show("trying", "The picture comes in a moment.");
        send({ type: "watch", latency, transport });
        watch();
      },
      onMessage(data) {
        if (socket !== opened) return;
        if (typeof data === "string") return onText(data);
        const frame = transport === "websocket" ? parseFrame(data) : undefined;
        if (frame !== undefined) browser.play(frame);
      },
      onClose() {
        if (socket === opened) reopen("The connection to spotlive is gone. Trying again.");
      },
    });
    socket = opened;
  }

  show("trying", "The picture comes in a moment.");
  open();

  return {
    onPicture() {
      if (isEnded || source !== "running") return;
      watch();
      if (isPlaying) return;
      [isPlaying, failures, losses] = [true, 0, 0];
      show("playing", sourceText);
    },
    onShown() {
      if (!isEnded && source === "running") watch();
    },
    setLatency(wanted) {
      latency = wanted;
      send({ type: "watch", latency, transport });
      watch();
    },
    retry() {
      [transport, failures, losses, note] = ["webrtc", 0, 0, ""];
      reopen("The picture comes in a moment.");
    },
    end() {
      isEnded = true;
      cancelReconnect();
      closePictures();
      socket?.close();
      socket = undefined;
    },
  };
}
