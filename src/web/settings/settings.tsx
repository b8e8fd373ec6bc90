import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ask, wordsOf } from "../model/api.ts";
import type { ConfigAnswer, ConfigKey } from "../model/wire.ts";
import { capital } from "../words.ts";
import { change, matches } from "./draft.ts";
import type { Draft } from "./draft.ts";
import { KeyField } from "./key-field.tsx";
import { save } from "./save.ts";
import type { Problems } from "./save.ts";
import { SaveBar } from "./save-bar.tsx";

const none: Problems = new Map();

/** Every key of the configuration, as a form. Only what was changed is sent, and all of it is judged before any is written. */
export function Settings(): JSX.Element {
  const [config, setConfig] = useState<ConfigAnswer>();
  const [loaded, setLoaded] = useState(0);
  const [draft, setDraft] = useState<Draft>(new Map());
  const [malformed, setMalformed] = useState<Problems>(none);
  const [problems, setProblems] = useState<Problems>(none);
  const [said, setSaid] = useState("");
  const [wanted, setWanted] = useState("");
  const [needsRestart, setNeedsRestart] = useState(false);

  async function load(): Promise<void> {
    try {
      setConfig(await ask<ConfigAnswer>("GET", "/api/config"));
      setDraft(new Map());
      setMalformed(none);
      setProblems(none);
      setLoaded((count) => count + 1); // the fields forget what was typed
    } catch (error) {
      setSaid(wordsOf(error));
    }
  }
  useEffect(() => void load(), []);

  function edit(key: ConfigKey, value: unknown): void {
    setDraft((before) => change(before, key, value));
    setProblems((before) => without(before, key.path));
  }
  const mark = (path: string, problem: string | undefined): void =>
    setMalformed((before) =>
      problem === undefined ? without(before, path) : new Map([...before, [path, problem]]),
    );

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    if (malformed.size > 0) return setSaid("Some fields are not of the right form yet.");
    const { problems, text, isSaved } = await save(draft);
    setProblems(problems);
    setSaid(text);
    if (!isSaved) return;
    setNeedsRestart(true);
    await load();
  }

  if (config === undefined) return <SettingsFrame text={said === "" ? "Reading the settings…" : said} />;
  const groups = config.groups
    .map((group) => ({ ...group, keys: group.keys.filter((key) => matches(key, wanted)) }))
    .filter(({ keys }) => keys.length > 0);
  const known = new Set(config.groups.flatMap(({ keys }) => keys.map(({ path }) => path)));
  const others = [...problems].filter(([path]) => !known.has(path));
  return (
    <form class="settings-view" onSubmit={(event) => void submit(event)} noValidate>
      <h1>Settings</h1>
      <p>
        {config.writable
          ? `They are kept in ${config.path ?? "the configuration file"} and count from the next start of spotlive.`
          : `They can only be looked at here. ${config.advice ?? "They are in no file."}`}
      </p>
      <label class="field search">
        <span>Look for</span>
        <input type="search" value={wanted} onInput={({ currentTarget }) => setWanted(currentTarget.value)} />
      </label>
      {groups.length === 0 && <p class="none">No setting has these words.</p>}
      {groups.map(({ name, about, keys, isNew }) => (
        <details
          key={`${name} ${loaded}`}
          class="card group"
          open={wanted !== "" || isTouched(keys, draft, problems)}
        >
          <summary>
            <h2>{headingOf(name, keys, isNew === true)}</h2> <span>{about}</span>
          </summary>
          {name.startsWith("outputs[") && isNew !== true && config.writable && (
            <RemoveDestination
              isRemoved={draft.has(name)}
              onChange={(isRemoved) => setDraft((before) => toggle(before, name, isRemoved))}
            />
          )}
          {keys.map((key) => (
            <KeyField
              key={key.path}
              setting={key}
              isReadOnly={!config.writable}
              isChanged={draft.has(key.path)}
              draft={draft.get(key.path)}
              problem={malformed.get(key.path) ?? problems.get(key.path)}
              onChange={(value) => edit(key, value)}
              onProblem={(problem) => mark(key.path, problem)}
            />
          ))}
        </details>
      ))}
      <SaveBar
        changes={draft.size}
        said={[said, ...others.map(([path, text]) => `${path}: ${text}`)]
          .filter((text) => text !== "")
          .join(" ")}
        isWrong={problems.size > 0 || malformed.size > 0}
        needsRestart={needsRestart}
        canRestart={config.restartable === true}
        onDrop={() => void load().then(() => setSaid(""))}
      />
    </form>
  );
}

/** What a group is about, in words. */
function headingOf(name: string, keys: readonly ConfigKey[], isNew: boolean): string {
  if (isNew) return "Add a destination";
  if (name === "") return "General";
  if (!name.startsWith("outputs[")) return capital(name.replaceAll(".", ": "));
  const own = keys.find(({ path }) => path === `${name}.name`)?.value;
  return typeof own === "string" ? `Destination: ${own}` : "Destination";
}

function toggle(draft: Draft, name: string, isRemoved: boolean): Draft {
  const kept = [...draft].filter(([path]) => path !== name && !path.startsWith(`${name}.`));
  return new Map(isRemoved ? [...kept, [name, null]] : kept);
}

interface RemoveDestinationProps {
  readonly isRemoved: boolean;
  onChange(isRemoved: boolean): void;
}

function RemoveDestination({ isRemoved, onChange }: RemoveDestinationProps): JSX.Element {
  return (
    <label class="field in-line">
      <input
        type="checkbox"
        checked={isRemoved}
        onChange={({ currentTarget }) => onChange(currentTarget.checked)}
      />
      <span>Remove this destination with the next save</span>
    </label>
  );
}

function SettingsFrame({ text }: { readonly text: string }): JSX.Element {
  return (
    <div class="settings-view">
      <h1>Settings</h1>
      <p role="status">{text}</p>
    </div>
  );
}

function without(problems: Problems, path: string): Problems {
  return new Map([...problems].filter(([known]) => known !== path));
}

function isTouched(keys: readonly ConfigKey[], draft: Draft, problems: Problems): boolean {
  return keys.some((key) => draft.has(key.path) || problems.has(key.path));
}
