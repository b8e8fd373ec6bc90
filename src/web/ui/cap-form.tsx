import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { act } from "../model/commands.ts";

const million = 1_000_000;

/** The most that is asked of the camera, in Mbit/s; empty: no cap. */
export function CapForm({ cap }: { readonly cap: number | null }): JSX.Element {
  const shown = cap === null ? "" : String(cap / million);
  // What somebody is typing stays, whatever the status says meanwhile.
  const [typed, setTyped] = useState<string | undefined>(undefined);

  function submit(event: Event): void {
    event.preventDefault();
    if (typed === undefined) return;
    const bitrateCap = typed === "" ? null : Math.round(Number(typed) * million);
    void act({ kind: "set", change: { bitrateCap } }).then((isDone) => isDone && setTyped(undefined));
  }

  return (
    <form class="field in-line" onSubmit={submit}>
      <label for="cap">Bit rate cap</label>
      <span class="with-unit">
        <input
          id="cap"
          type="number"
          inputMode="decimal"
          min="0.1"
          max="50"
          step="0.1"
          placeholder="none"
          value={typed ?? shown}
          onInput={({ currentTarget }) => setTyped(currentTarget.value)}
        />
        <span>Mbit/s</span>
      </span>
      <button type="submit" disabled={typed === undefined || typed === shown}>
        Set
      </button>
    </form>
  );
}
