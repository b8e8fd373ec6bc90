import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { wordsOf } from "../model/api.ts";
import { logIn } from "../model/session.ts";
import { app } from "../model/state.ts";
import { useStore } from "../model/store.ts";
import { Mark } from "./icons.tsx";

export function Login(): JSX.Element {
  const reason = useStore(app, ({ loginReason }) => loginReason);
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    const fields = new FormData(form.current ?? undefined);
    const text = (name: string): string => {
      const value = fields.get(name);
      return typeof value === "string" ? value : "";
    };
    setBusy(true);
    const why = await logIn(text("username"), text("password")).catch(wordsOf);
    setBusy(false);
    setProblem(why ?? "");
    if (why !== undefined) form.current?.querySelector<HTMLInputElement>("[name=password]")?.select();
  }

  return (
    <main class="alone">
      <form ref={form} class="card login" onSubmit={(event) => void submit(event)}>
        <h1>
          <span class="brand-dot" aria-hidden="true" /> spotlive
        </h1>
        <p>{reason === "" ? "Log in to see and steer this robot's stream." : reason}</p>
        <label class="field">
          <span>User name</span>
          <input name="username" autocomplete="username" autocapitalize="none" required />
        </label>
        <label class="field">
          <span>Password</span>
          <input
            name="password"
            type="password"
            autocomplete="current-password"
            required
            aria-invalid={problem !== ""}
            aria-describedby="login-problem"
          />
        </label>
        <p id="login-problem" class="problem" role="alert">
          {problem !== "" && (
            <>
              <Mark level="wrong" word="Problem:" /> {problem}
            </>
          )}
        </p>
        <button type="submit" class="main-action go" disabled={isBusy}>
          {isBusy ? "Logging in…" : "Log in"}
        </button>
      </form>
    </main>
  );
}
