import type { JSX } from "preact";
import { logOut } from "../model/session.ts";
import { app, tell } from "../model/state.ts";
import { useStore } from "../model/store.ts";
import { wordsOf } from "../model/api.ts";
import { Icon } from "./icons.tsx";
import { StartStop } from "./start-stop.tsx";
import { StateBadge } from "./state-badge.tsx";

export type ViewName = "live" | "log" | "doctor" | "settings";

export const views: readonly { readonly name: ViewName; readonly title: string }[] = [
  { name: "live", title: "Live" },
  { name: "log", title: "Log" },
  { name: "doctor", title: "Doctor" },
  { name: "settings", title: "Settings" },
];

/** What is always seen: the state of the line, the way to change it, and the ways to the other views. */
export function Header({ view }: { readonly view: ViewName }): JSX.Element {
  return (
    <header class="top">
      <a class="skip" href="#main" onClick={skip}>
        Skip to the content
      </a>
      <div class="brand" aria-hidden="true">
        <span class="brand-dot" /> spotlive
      </div>
      <StateBadge />
      <StartStop />
      <nav aria-label="Views">
        {views.map(({ name, title }) => (
          <a key={name} href={`#${name}`} aria-current={name === view ? "page" : undefined}>
            {title}
          </a>
        ))}
      </nav>
      <LogOut />
    </header>
  );
}

/** The address names the view, so it is not the address that moves the focus. */
function skip(event: Event): void {
  event.preventDefault();
  document.querySelector<HTMLElement>("#main")?.focus();
}

function LogOut(): JSX.Element | null {
  const by = useStore(app, ({ session }) => session?.by ?? null);
  if (by === null) return null;
  return (
    <button
      type="button"
      class="quiet log-out"
      onClick={() => void logOut().catch((error: unknown) => tell("refused", wordsOf(error)))}
    >
      <Icon name="out" />
      <span class="wide-only">Log out {by}</span>
      <span class="unseen narrow-only">Log out {by}</span>
    </button>
  );
}
