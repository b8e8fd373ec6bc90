import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { follow } from "./model/feed.ts";
import { askSession } from "./model/session.ts";
import { app, isIn } from "./model/state.ts";
import { useStore } from "./model/store.ts";
import { Doctor } from "./ui/doctor.tsx";
import { Header, views } from "./ui/header.tsx";
import type { ViewName } from "./ui/header.tsx";
import { LiveView } from "./ui/live-view.tsx";
import { Log } from "./ui/log.tsx";
import { Login } from "./ui/login.tsx";
import { LostBanner, ToastLine } from "./ui/messages.tsx";
import { Settings } from "./settings/settings.tsx";
import { Setup } from "./setup/setup.tsx";

const retryMs = 2000;

function viewOf(hash: string): ViewName {
  return views.find(({ name }) => `#${name}` === hash)?.name ?? "live";
}

/** What the address says is looked at; going back works as everywhere. */
function useView(): ViewName {
  const [view, setView] = useState(() => viewOf(location.hash));
  useEffect(() => {
    const look = (): void => setView(viewOf(location.hash));
    addEventListener("hashchange", look);
    return () => removeEventListener("hashchange", look);
  }, []);
  return view;
}

/** Asks for the session until there is an answer. */
function useSession(): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = (): void =>
      void askSession().catch(() => {
        app.set({ link: "lost" });
        timer = setTimeout(ask, retryMs);
      });
    ask();
    return () => clearTimeout(timer);
  }, []);
}

export function App(): JSX.Element {
  useSession();
  const session = useStore(app, (state) => state.session);
  const mayAct = useStore(app, isIn);
  if (session === undefined) return <Waiting />;
  if (!mayAct) return <Login />;
  return session.setup ? <Setup /> : <Dashboard />;
}

function Waiting(): JSX.Element {
  const isLost = useStore(app, ({ link }) => link === "lost");
  return (
    <main class="alone">
      <h1>spotlive</h1>
      <p role="status">{isLost ? "spotlive cannot be reached. Trying again and again." : "One moment."}</p>
    </main>
  );
}

function Dashboard(): JSX.Element {
  const view = useView();
  useEffect(() => {
    const scope = new AbortController();
    follow(scope.signal);
    return () => scope.abort();
  }, []);
  useEffect(() => {
    document.title = `${views.find(({ name }) => name === view)?.title ?? ""} · spotlive`;
  }, [view]);
  return (
    <div class="shell">
      <Header view={view} />
      <LostBanner />
      <main id="main" tabIndex={-1}>
        {view === "live" && <LiveView />}
        {view === "log" && <Log />}
        {view === "doctor" && <Doctor />}
        {view === "settings" && <Settings />}
      </main>
      <ToastLine />
    </div>
  );
}
