import { recogniseBoard } from "../../boards/prove-board.ts";
import type { RecognisedBoard } from "../../boards/prove-board.ts";
import { softwareName } from "../../boards/catalogue.ts";
import { lookAtHealth } from "../../boards/health.ts";
import { boardOptions } from "../../board.ts";
import type { Health, HealthItem, HealthKind } from "../../domain/health.ts";
import { ok, unknown, warning, wrong } from "./check.ts";
import type { Check, Finding } from "./check.ts";
import type { DoctorContext } from "./context.ts";

/** Which board this is. Rejects with a `Fault` when the profiles are wrong. */
export function recognise(context: DoctorContext, signal: AbortSignal): Promise<RecognisedBoard> {
  const { directory, isThisMachine } = context.root;
  const run = isThisMachine ? context.run : foreign;
  return recogniseBoard(boardOptions(context.stateDirectory, directory), run, signal);
}

/** Programs of another machine cannot be asked. */
const foreign: DoctorContext["run"] = () =>
  Promise.resolve({ kind: "missing", text: "only its files are here" });

/** The board, what it encodes with, its heat and its power. */
export function boardChecks(context: DoctorContext, board: Promise<RecognisedBoard>): readonly Check[] {
  return [
    { id: "board", limitMs: 10_000, run: async () => [judgeBoard(await board)] },
    {
      id: "chains",
      limitMs: 10_000,
      run: async () => [judgeChains(await board, context.root.isThisMachine)],
    },
    { id: "health", run: async () => judgeHealth(await lookAtHealth(context.root, context.stateDirectory)) },
  ];
}

function judgeBoard({ facts, choice }: RecognisedBoard): Finding {
  const { name, title, verified } = choice.chosen.profile;
  const { sys_vendor: maker = "", product_name: product = "" } = facts.dmi;
  const made = facts.model ?? `${maker} ${product}`.trim();
  const system = [facts.system, facts.kernel].filter((text) => text !== undefined).join(", ");
  const untried = verified || name === softwareName ? "" : " Nobody has run this profile on its board yet.";
  return ok(
    "board",
    `${made === "" ? "An unknown board" : made} (${system}); profile ${name}, ${title}: ${choice.why}.${untried}`,
  );
}

function judgeChains({ kept, chains }: RecognisedBoard, isHere: boolean): Finding {
  const id = "chains";
  const listed = `The profile lists ${chains.map(({ name }) => name).join(", ")}`;
  const prove = "spotlive profile tries them, which takes some seconds.";
  if (kept === undefined)
    return unknown(
      id,
      `${listed}; ${isHere ? "none was tried yet" : "they can only be tried on the board"}.`,
      isHere ? prove : "",
    );
  const { chosen, rejected } = kept;
  const reasons = rejected.map(({ chain, reason }) => `${chain}: ${reason}`).join(" ");
  if (chosen === undefined)
    return wrong(
      id,
      reasons,
      "This machine encodes nothing at real time.",
      "Only a copy can go live; see the reasons.",
    );
  const { width, height, fps } = chosen.holds;
  const evidence = `${chosen.chain.name} holds ${width}x${height} at ${fps} pictures a second.`;
  const [first] = chains;
  if (first === undefined || first.name === chosen.chain.name) return ok(id, evidence);
  const meaning =
    "The board's better chain does not work, and another one serves. Only a transcode feels it.";
  return warning(
    id,
    `${evidence} ${reasons}`,
    meaning,
    "Read the reasons; after a change: spotlive profile --fresh.",
  );
}

const groups: readonly { readonly id: string; readonly kinds: readonly HealthKind[] }[] = [
  { id: "temperature", kinds: ["temperature"] },
  { id: "power-supply", kinds: ["undervoltage", "throttling"] },
  { id: "memory", kinds: ["memory", "pressure"] },
  { id: "flash-wear", kinds: ["wear"] },
  { id: "wifi-signal", kinds: ["wifi"] },
];

/** Clock, disk and processors are looked at elsewhere, or say nothing in one look. */
export function judgeHealth({ items }: Health): readonly Finding[] {
  return groups.map(({ id, kinds }) => {
    const known = items.filter(({ kind, level }) => kinds.includes(kind) && level !== "unknown");
    if (known.length === 0) return unknown(id, "This machine does not tell it.");
    const bad = known.filter(({ level }) => level !== "ok");
    const evidence = `${(bad.length > 0 ? bad : known).map(describe).join(", ")}.`;
    if (bad.length === 0) return ok(id, evidence);
    const advice = [...new Set(bad.map(({ advice }) => advice))].join(" ");
    const isCritical = bad.some(({ level }) => level === "critical");
    return (isCritical ? wrong : warning)(
      id,
      evidence,
      isCritical ? "It is critical." : "It is not well.",
      advice,
    );
  });
}

const describe = ({ name, shown }: HealthItem): string => `${name}: ${shown}`;
