import type { JSX } from "preact";
import { app } from "../model/state.ts";
import { useStore } from "../model/store.ts";
import { Card } from "./card.tsx";

const shown = 5;

/** The newest of what spotlive wants somebody to know. */
export function Notices(): JSX.Element {
  const notices = useStore(app, ({ status }) => status?.notices);
  return (
    <Card title="Notices" class="notices-card" aside={<a href="#log">The whole log</a>}>
      {notices === undefined || notices.length === 0 ? (
        <p class="none">Nothing to tell.</p>
      ) : (
        <ul class="notices">
          {notices
            .slice(-shown)
            .toReversed()
            .map((text) => (
              <li key={text}>{text}</li>
            ))}
        </ul>
      )}
    </Card>
  );
}
