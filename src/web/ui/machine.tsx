import type { JSX } from "preact";
import type { HealthItem, HealthLevel } from "../../domain/health.ts";
import { app } from "../model/state.ts";
import { useStore } from "../model/store.ts";
import { Card } from "./card.tsx";
import { Mark } from "./icons.tsx";
import type { Level } from "./icons.tsx";

const levels: Readonly<Record<HealthLevel, Level>> = {
  ok: "ok",
  warning: "warning",
  critical: "wrong",
  unknown: "unknown",
};

/** How the machine is that spotlive runs on: what is not well comes first, what cannot be known is left out. */
export function Machine(): JSX.Element | null {
  const health = useStore(app, ({ status }) => status?.health);
  if (health === undefined) return null;
  const bad = health.items.filter(({ level }) => level === "warning" || level === "critical");
  const well = health.items.filter(({ level }) => level === "ok");
  return (
    <Card title="Machine" class="machine-card">
      <ul class="health">
        {[...bad, ...well].map((item) => (
          <Item key={item.name} item={item} />
        ))}
      </ul>
    </Card>
  );
}

function Item({ item: { name, level, shown, advice } }: { readonly item: HealthItem }): JSX.Element {
  return (
    <li>
      <Mark level={levels[level]} word={level} />
      <span class="health-name">{name}</span>
      <span class="health-value">{shown}</span>
      {advice !== "" && <small>{advice}</small>}
    </li>
  );
}
