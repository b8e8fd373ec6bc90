import type { JSX } from "preact";
import type { AudioChoice, Status } from "../../domain/status.ts";
import { act } from "../model/commands.ts";
import { app } from "../model/state.ts";
import { useStore } from "../model/store.ts";
import { bytesOf, linkWords, pathWords, rateOf, spanOf } from "../words.ts";
import { Card } from "./card.tsx";
import { CapForm } from "./cap-form.tsx";
import { useDestinations } from "./destinations.ts";
import { Icon, Mark } from "./icons.tsx";
import type { Level } from "./icons.tsx";

type Link = Status["outputs"][number] | Status["source"];

const sounds: readonly { readonly value: AudioChoice; readonly text: string }[] = [
  { value: "silent", text: "Silence" },
  { value: "camera", text: "The camera's microphones" },
  { value: "none", text: "No sound track" },
];

function levelOf({ state, fault }: Pick<Link, "state" | "fault">): Level {
  if (state === "failed") return "wrong";
  if (state === "running") return "ok";
  if (fault !== undefined || state === "waiting") return "warning";
  return state === "connecting" ? "info" : "off";
}

/** The way of the picture, from the camera to each destination, and what can be set about it. */
export function Line(): JSX.Element | null {
  const status = useStore(app, (state) => state.status);
  if (status === undefined) return null;
  const { settings, source, path, rate } = status;
  return (
    <Card title="Line" class="line-card" aside={<LineButtons />}>
      <ul class="links">
        <li>
          <Mark level={levelOf(source)} word={linkWords[source.state]} />
          <span class="link-name">{source.name === "" ? "Camera" : `Camera (${source.name})`}</span>
          <span class="link-fact">
            {source.state === "running"
              ? `${rateOf(source.bitsPerSecond)} · ${source.fps.toFixed(0)} fps`
              : linkWords[source.state]}
          </span>
          <LinkText link={source} />
        </li>
        <Destinations status={status} />
      </ul>
      <p class="line-path">
        <span>
          {status.phase === "idle" ? "Nothing is sent now" : pathWords[path]}
          {rate !== undefined && `, ${rateOf(rate.target)} asked for`}
        </span>
        {rate !== undefined && <small>{rate.reason}</small>}
      </p>
      <CapForm cap={settings.bitrateCap} />
      <div class="field in-line">
        <label for="sound">Sound</label>
        <select
          id="sound"
          value={settings.audio}
          onChange={({ currentTarget }) => {
            const audio = sounds.find(({ value }) => value === currentTarget.value)?.value;
            if (audio !== undefined) void act({ kind: "set", change: { audio } });
          }}
        >
          {sounds.map(({ value, text }) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      </div>
    </Card>
  );
}

function LineButtons(): JSX.Element {
  const isLive = useStore(app, ({ status }) => status?.desired === "live");
  const isBusy = useStore(app, ({ busy }) => busy.has("restart"));
  return (
    <button
      type="button"
      class="quiet"
      disabled={!isLive || isBusy}
      title="Ends the session and begins a new one"
      onClick={() => void act({ kind: "restart" }, "The line begins anew.")}
    >
      <Icon name="retry" /> Restart
    </button>
  );
}

/** Each with a switch; the last one that is on cannot be switched off. */
function Destinations({ status }: { readonly status: Status }): JSX.Element {
  const names = useDestinations(status);
  const chosen = status.settings.destinations;
  return (
    <>
      {names.map((name) => {
        const output = status.outputs.find((one) => one.name === name);
        const isOn = chosen.includes(name);
        const change = (): void => {
          const destinations = isOn ? chosen.filter((one) => one !== name) : [...chosen, name];
          void act({ kind: "set", change: { destinations } });
        };
        return (
          <li key={name}>
            <Mark
              level={!isOn || output === undefined ? "off" : levelOf(output)}
              word={linkWords[output?.state ?? "idle"]}
            />
            <label class="link-name">
              <input
                type="checkbox"
                checked={isOn}
                disabled={isOn && chosen.length === 1}
                onChange={change}
              />
              {name}
            </label>
            <span class="link-fact">{factOf(output, isOn)}</span>
            {output !== undefined && isOn && <LinkText link={output} />}
          </li>
        );
      })}
    </>
  );
}

function factOf(output: Status["outputs"][number] | undefined, isOn: boolean): string {
  if (!isOn) return "off";
  if (output === undefined) return linkWords.idle;
  if (output.state !== "running") return linkWords[output.state];
  const sent = output.counters === undefined ? "" : bytesOf(output.counters.bytes);
  const delay = output.uplink === undefined ? "" : `${Math.round(output.uplink.delayMs)} ms waiting`;
  return [sent, delay].filter((text) => text !== "").join(" · ");
}

function LinkText({ link }: { readonly link: Link }): JSX.Element | null {
  if (link.fault === undefined) return null;
  const again = link.retryInMs === undefined ? "" : ` Again in ${spanOf(link.retryInMs / 1000)}.`;
  return (
    <small class="link-text">
      {link.fault.message}
      {again}
    </small>
  );
}
