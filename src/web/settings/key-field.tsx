import type { JSX } from "preact";
import { useId, useState } from "preact/hooks";
import { Mark } from "../ui/icons.tsx";
import type { ConfigKey } from "../model/wire.ts";
import { capital, labelOf } from "../words.ts";
import { controlOf, fromText, toText } from "./draft.ts";
import type { Control } from "./draft.ts";

interface KeyFieldProps {
  readonly setting: ConfigKey;
  readonly isReadOnly: boolean;
  /** Whether it was changed, and to what. */
  readonly isChanged: boolean;
  readonly draft: unknown;
  /** What spotlive says about it. */
  readonly problem: string | undefined;
  onChange(value: unknown): void;
  /** What was typed is not even of the right form; undefined when it is again. */
  onProblem(problem: string | undefined): void;
}

/** One key with its meaning, its value, and where that comes from. */
export function KeyField(props: KeyFieldProps): JSX.Element {
  const { setting, isReadOnly, isChanged, draft, problem, onChange, onProblem } = props;
  const id = useId();
  const control = controlOf(setting);
  const [typed, setTyped] = useState<string>();
  const isFixed = isReadOnly || setting.from === "environment";
  const current = isChanged ? draft : setting.value;
  const text = typed ?? toText(current ?? (isChanged ? setting.default : setting.value), control);

  function take(now: string): void {
    setTyped(now);
    const parsed = fromText(now, setting);
    onProblem(parsed.ok ? undefined : parsed.problem);
    if (parsed.ok) onChange(parsed.value);
  }
  function reset(): void {
    setTyped(undefined);
    onProblem(undefined);
    onChange(null);
  }

  const canReset =
    !isFixed && (isChanged ? draft !== null : setting.from === "file" || setting.isSet === true);
  const shared = {
    id,
    disabled: isFixed,
    "aria-describedby": `${id}-doc ${id}-problem`,
    "aria-invalid": problem !== undefined,
  };
  return (
    <div class={`key${isChanged ? " is-changed" : ""}${problem === undefined ? "" : " is-wrong"}`}>
      <div class="key-head">
        <label for={id}>{labelOf(setting.path)}</label>
        <code>{setting.path}</code>
        {isChanged && <span class="chip">changed</span>}
      </div>
      <p class="key-doc" id={`${id}-doc`}>
        {setting.doc} <small>{originOf(setting, control)}</small>
      </p>
      <div class="key-input">
        <Input control={control} setting={setting} shared={shared} text={text} take={take} />
        {canReset && (
          <button type="button" class="quiet" onClick={reset}>
            {control === "secret" ? "Remove" : "Default"}
            <span class="unseen"> of {setting.path}</span>
          </button>
        )}
      </div>
      <p class="problem" id={`${id}-problem`} role="alert">
        {problem !== undefined && (
          <>
            <Mark level="wrong" word="Problem:" /> {capital(problem)}
          </>
        )}
      </p>
    </div>
  );
}

function originOf({ from, default: usual, expected }: ConfigKey, control: Control): string {
  const isTold = control !== "secret" && control !== "json" && toText(usual, control) !== "";
  const otherwise = isTold ? `Default: ${toText(usual, control).replaceAll("\n", ", ")}.` : "";
  const isPlain = control === "switch" || control === "choice" || expected === "a text";
  const form = expected === undefined || expected === "" || isPlain ? "" : `Expected: ${expected}.`;
  const fixed = from === "environment" ? "Set in the environment, so it cannot be changed here." : "";
  return [form, otherwise, fixed].filter((text) => text !== "").join(" ");
}

interface InputProps {
  readonly control: Control;
  readonly setting: ConfigKey;
  readonly shared: { readonly id: string; readonly disabled: boolean };
  readonly text: string;
  take(text: string): void;
}

function Input({ control, setting, shared, text, take }: InputProps): JSX.Element {
  const onInput = ({ currentTarget }: { readonly currentTarget: { readonly value: string } }): void =>
    take(currentTarget.value);
  switch (control) {
    case "switch":
      return (
        <input
          {...shared}
          type="checkbox"
          class="switch"
          checked={text === "true"}
          onChange={({ currentTarget }) => take(String(currentTarget.checked))}
        />
      );
    case "choice":
      return (
        <select {...shared} value={text} onChange={onInput}>
          {setting.optional === true && <option value="">not set</option>}
          {(setting.choices ?? []).map((choice) => (
            <option key={choice} value={choice}>
              {choice}
            </option>
          ))}
        </select>
      );
    case "lines":
    case "json":
      return (
        <textarea
          {...shared}
          rows={Math.min(14, text.split("\n").length + 1)}
          spellcheck={false}
          value={text}
          onInput={onInput}
        />
      );
    case "secret":
      return (
        <input
          {...shared}
          type="password"
          autocomplete="new-password"
          placeholder={setting.isSet === true ? "set; type to replace it" : "not set"}
          value={text}
          onInput={onInput}
        />
      );
    case "number":
      return <input {...shared} inputMode="decimal" value={text} onInput={onInput} />;
    case "text":
      return <input {...shared} spellcheck={false} autocapitalize="none" value={text} onInput={onInput} />;
  }
}
