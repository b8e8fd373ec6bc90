import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { act, canClip } from "../model/commands.ts";
import { app } from "../model/state.ts";
import { useStore } from "../model/store.ts";
import { startPreview } from "../preview/browser.ts";
import type { Preview } from "../preview/browser.ts";
import type { Latency } from "../preview/messages.ts";
import type { View } from "../preview/ports.ts";
import { useCameraHands } from "./camera-hands.ts";
import { Choice } from "./choice.tsx";
import { Icon, Mark } from "./icons.tsx";

const clipSeconds = 30;
const storedLatency = "spotlive-latency";
const first: View = {
  state: "trying",
  transport: "webrtc",
  source: "running",
  text: "The picture comes in a moment.",
  note: "",
};

/** Pictures drawn in the last second. */
function useRate(preview: { readonly current: Preview | null }): number {
  const [rate, setRate] = useState(0);
  useEffect(() => {
    let before = 0;
    const timer = setInterval(() => {
      const now = preview.current?.pictures ?? 0;
      setRate(Math.max(0, now - before));
      before = now;
    }, 1000);
    return () => clearInterval(timer);
  }, []);
  return rate;
}

/** The camera's picture, which can be dragged to look elsewhere. */
export function Picture(): JSX.Element {
  const video = useRef<HTMLVideoElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const frame = useRef<HTMLDivElement>(null);
  const preview = useRef<Preview>(null);
  const [view, setView] = useState(first);
  const [latency, setLatency] = useState<Latency>(() =>
    localStorage.getItem(storedLatency) === "live" ? "live" : "smooth",
  );
  const hands = useCameraHands(frame);
  const rate = useRate(preview);

  useEffect(() => {
    if (video.current === null || canvas.current === null) return undefined;
    const started = startPreview({ video: video.current, canvas: canvas.current }, latency, setView);
    preview.current = started;
    return () => {
      preview.current = null;
      started.end();
    };
  }, []);

  function choose(wanted: Latency): void {
    setLatency(wanted);
    localStorage.setItem(storedLatency, wanted);
    preview.current?.setLatency(wanted);
  }

  const isPlaying = view.state === "playing";
  return (
    <section class="card picture-card" aria-label="Picture">
      <div
        ref={frame}
        class={`picture is-${view.state}${hands.canMove ? " can-move" : ""}`}
        {...(hands.canMove && { tabIndex: 0, role: "application", "aria-roledescription": "camera picture" })}
        {...(hands.canMove && {
          "aria-label":
            "Camera picture. Arrow keys look around, with Shift in small steps; plus and minus zoom.",
        })}
      >
        <video ref={video} autoplay muted playsInline aria-label="The camera's picture" />
        <canvas ref={canvas} hidden role="img" aria-label="The camera's picture" />
        {!isPlaying && (
          <div class="picture-text" role="status">
            <Icon name="camera" />
            <p>{view.text === "" ? "No picture comes at the moment." : view.text}</p>
            {view.state === "unsupported" && (
              <button type="button" onClick={() => preview.current?.retry()}>
                Try again
              </button>
            )}
          </div>
        )}
      </div>
      <div class="picture-bar">
        <PictureFacts view={view} rate={isPlaying ? rate : undefined} />
        <span class="spring" />
        <ClipButton />
        <Choice
          label="Latency"
          value={latency}
          options={[
            { value: "live", text: "Live", title: "As soon as it can be; uneven on a poor network" },
            { value: "smooth", text: "Smooth", title: "A moment later, and even" },
          ]}
          onChoose={choose}
        />
        <button
          type="button"
          class="quiet"
          title="Full screen"
          onClick={() => void frame.current?.requestFullscreen?.().catch(() => {})}
        >
          <Icon name="full" />
          <span class="unseen">Full screen</span>
        </button>
      </div>
      <p class="picture-note">
        {view.note !== "" && (
          <>
            <Mark level="info" />
            <span>{view.note}</span>
            <button type="button" class="quiet" onClick={() => preview.current?.retry()}>
              Try again
            </button>
          </>
        )}
      </p>
    </section>
  );
}

function PictureFacts({
  view,
  rate,
}: {
  readonly view: View;
  readonly rate: number | undefined;
}): JSX.Element {
  const picture = useStore(app, ({ status }) => status?.picture);
  return (
    <p class="picture-facts">
      <span>{view.transport === "webrtc" ? "WebRTC" : "WebSocket"}</span>
      {picture !== undefined && (
        <span>
          {picture.width}×{picture.height}
        </span>
      )}
      <span class="number">{rate === undefined ? "– fps" : `${rate} fps`}</span>
    </p>
  );
}

function ClipButton(): JSX.Element | null {
  const isThere = useStore(app, ({ status }) => canClip(status));
  if (!isThere) return null;
  return (
    <button
      type="button"
      onClick={() => void act({ kind: "clip", seconds: clipSeconds }, `The last ${clipSeconds} s are kept.`)}
    >
      <Icon name="clip" /> Clip {clipSeconds} s
    </button>
  );
}
