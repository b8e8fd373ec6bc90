import type { JSX } from "preact";

/** Drawn on 24 by 24, by lines alone. */
const paths = {
  live: "M12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8ZM6.3 6.3a8 8 0 0 0 0 11.4M17.7 6.3a8 8 0 0 1 0 11.4",
  hold: "M9 6v12M15 6v12",
  retry: "M20 11a8 8 0 0 0-14.3-4.3L3 9.5M3 4v5.5h5.5M4 13a8 8 0 0 0 14.3 4.3l2.7-2.8M21 20v-5.5h-5.5",
  idle: "M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16Z",
  start: "M8 5.5v13l10-6.5z",
  stop: "M7 7h10v10H7z",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  unlock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 6.8-1.2",
  up: "M12 19V6M6 12l6-6 6 6",
  down: "M12 5v13M6 12l6 6 6-6",
  left: "M19 12H6M12 6l-6 6 6 6",
  right: "M5 12h13M12 6l6 6-6 6",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  home: "M4 11l8-7 8 7M6.5 9.5V20h11V9.5",
  ok: "M5 12.5l4.5 4.5L19 7.5",
  warning: "M12 4 2.8 20h18.4zM12 10v4.5M12 17.2v.3",
  wrong: "M6 6l12 12M18 6 6 18",
  unknown:
    "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18ZM9.6 9.6a2.4 2.4 0 1 1 3.6 2.1c-.8.4-1.2 1-1.2 1.8M12 16.7v.2",
  info: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18ZM12 11.2v5M12 7.6v.2",
  off: "M12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8Z",
  full: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  clip: "M4 6h16v12H4zM9 6v12M15 6v12M4 10h5M4 14h5M15 10h5M15 14h5",
  camera: "M4 8h3l2-3h6l2 3h3v11H4zM12 10a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7Z",
  out: "M14 5h5v14h-5M4 12h10M10 8l4 4-4 4",
  close: "M6 6l12 12M18 6 6 18",
} as const;

export type IconName = keyof typeof paths;

/** A picture of what the words beside it say: screen readers pass it over. */
export function Icon({ name }: { readonly name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}

/** How good something is: by its icon, its word for screen readers, and its colour. */
export type Level = "ok" | "warning" | "wrong" | "unknown" | "info" | "off";

export function Mark({ level, word }: { readonly level: Level; readonly word?: string }): JSX.Element {
  return (
    <span class={`mark is-${level}`}>
      <Icon name={level} />
      <span class="unseen">{word ?? level}</span>
    </span>
  );
}
