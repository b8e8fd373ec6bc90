import type { Candidate, Latency } from "./messages.ts";
import { createPlayer } from "./player.ts";
import type { Player, Screens } from "./player.ts";
import { startViewing } from "./viewing.ts";
import type { Browser, View } from "./ports.ts";

export interface Preview {
  setLatency(latency: Latency): void;
  retry(): void;
  /** Pictures drawn so far. */
  readonly pictures: number;
  end(): void;
}

/** Puts the preview into two elements of the page until `end`. */
export function startPreview(screens: Screens, latency: Latency, show: (view: View) => void): Preview {
  const { video, canvas } = screens;
  let peer: RTCPeerConnection | undefined;
  let player: Player | undefined;
  let pictures = 0;
  let isEnded = false;

  function onPicture(): void {
    pictures += 1;
    viewing.onPicture();
  }

  const browser: Browser = {
    openSocket({ onOpen, onMessage, onClose }) {
      const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/api/preview`);
      socket.binaryType = "arraybuffer";
      socket.addEventListener("open", onOpen);
      socket.addEventListener("message", ({ data }: MessageEvent<string | ArrayBuffer>) => onMessage(data));
      socket.addEventListener("close", onClose);
      return {
        send: (text) => socket.readyState === WebSocket.OPEN && socket.send(text),
        close: () => socket.close(),
      };
    },

    async answer({ sdp, iceServers, latency }, { onCandidate, onFailed }) {
      peer?.close();
      const made = new RTCPeerConnection({ iceServers: iceServers as RTCIceServer[] });
      peer = made;
      made.addEventListener("icecandidate", ({ candidate }) => onCandidate(toMessage(candidate)));
      made.addEventListener("connectionstatechange", () => {
        if (peer === made && made.connectionState === "failed") onFailed("no way to spotlive was found");
      });
      made.addEventListener("track", ({ track, receiver, streams }) => {
        setDelay(receiver, latency);
        canvas.hidden = true;
        video.hidden = false;
        video.srcObject = streams[0] ?? new MediaStream([track]);
        void video.play().catch(() => {}); // it is muted; a browser that still refuses shows its own button
      });
      await made.setRemoteDescription({ type: "offer", sdp });
      await made.setLocalDescription();
      return made.localDescription?.sdp ?? "";
    },

    addCandidate(candidate) {
      peer?.addIceCandidate(candidate ?? undefined).catch(() => {}); // one way less
    },
    closePeer() {
      peer?.close();
      peer = undefined;
    },
    prepare(format, latency) {
      player?.close();
      video.srcObject = null;
      const made = createPlayer(screens, format, latency, onPicture);
      player = typeof made === "string" ? undefined : made;
      return typeof made === "string" ? made : undefined;
    },
    play: (frame) => player?.play(frame),
    closePlayer() {
      player?.close();
      player = undefined;
    },
    isHidden: () => document.hidden,
    after(ms, callback) {
      const timer = setTimeout(callback, ms);
      return () => clearTimeout(timer);
    },
    show: (view) => {
      if (!isEnded) show(view);
    },
  };

  const viewing = startViewing(browser, latency);
  const stopCounting = countPictures(video, onPicture);
  const onVisibility = (): void => {
    if (!document.hidden) viewing.onShown();
  };
  document.addEventListener("visibilitychange", onVisibility);

  return {
    setLatency(latency) {
      for (const receiver of peer?.getReceivers() ?? []) setDelay(receiver, latency);
      viewing.setLatency(latency);
    },
    retry: () => viewing.retry(),
    get pictures() {
      return pictures;
    },
    end() {
      isEnded = true;
      document.removeEventListener("visibilitychange", onVisibility);
      stopCounting();
      viewing.end();
      video.srcObject = null;
    },
  };
}

/** Milliseconds that the browser is asked to keep for evening out; spotlive asks for the same in the stream. */
function setDelay(receiver: RTCRtpReceiver, latency: Latency): void {
  if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = latency === "live" ? 0 : null;
}

function toMessage(candidate: RTCIceCandidate | null): Candidate | null {
  if (candidate === null || candidate.candidate === "") return null;
  const { sdpMid, sdpMLineIndex } = candidate;
  return { candidate: candidate.candidate, sdpMid, sdpMLineIndex };
}

/** Calls back for each picture that a video element shows. */
function countPictures(video: HTMLVideoElement, onPicture: () => void): () => void {
  if (!("requestVideoFrameCallback" in video)) {
    const element: HTMLVideoElement = video;
    element.addEventListener("timeupdate", onPicture);
    return () => element.removeEventListener("timeupdate", onPicture);
  }
  let handle = 0;
  const next = (): void => {
    handle = video.requestVideoFrameCallback(() => {
      next();
      onPicture();
    });
  };
  next();
  return () => video.cancelVideoFrameCallback(handle);
}
