import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { ask } from "../model/api.ts";
import type { RobotTest, SetupStep } from "../model/wire.ts";
import { Mark } from "../ui/icons.tsx";
import type { Answers } from "./setup.tsx";
import { useTrial } from "./trial.ts";

type Robot = Answers["robot"];
type Login = Omit<Robot, "settings">;
/** Where it is not reached as usual; empty: as usual. */
interface Ways {
  readonly port: string;
  readonly cameraHost: string;
  readonly cameraPort: string;
}

interface RobotStepProps {
  onDone(robot: Robot): void;
}

/** Address and login of the robot, tried at once: reached, logged in, camera seen. */
export function RobotStep({ onDone }: RobotStepProps): JSX.Element {
  const [robot, setRobot] = useState<Login>({ host: "192.168.50.3", username: "", password: "" });
  const [ways, setWays] = useState<Ways>({ port: "", cameraHost: "", cameraPort: "" });
  const [found, setFound] = useState<RobotTest>();
  const { isBusy, isResting, problem, run } = useTrial();
  const tried = found?.steps;
  const isGood = tried !== undefined && tried.length > 0 && tried.every(({ ok }) => ok);

  const edit = (field: keyof Login) => ({
    name: field,
    value: robot[field],
    required: true,
    onInput: ({ currentTarget }: { readonly currentTarget: HTMLInputElement }): void => {
      setRobot((before) => ({ ...before, [field]: currentTarget.value }));
      setFound(undefined);
    },
  });

  const editWay = (field: keyof Ways) => ({
    name: field,
    value: ways[field],
    onInput: ({ currentTarget }: { readonly currentTarget: HTMLInputElement }): void => {
      setWays((before) => ({ ...before, [field]: currentTarget.value }));
      setFound(undefined);
    },
  });

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    if (isGood) return onDone({ ...robot, settings: found?.settings ?? {} });
    const body = { ...robot, ...given(ways) };
    await run(async () => setFound(await ask<RobotTest>("POST", "/api/setup/robot", { body })));
  }

  return (
    <form class="card" onSubmit={(event) => void submit(event)}>
      <h2>The robot</h2>
      <p>
        Its address as seen from here, and a user of its own for spotlive. A wrong password is tried once: six
        lock the account.
      </p>
      <label class="field">
        <span>Address</span>
        <input {...edit("host")} autocapitalize="none" spellcheck={false} />
      </label>
      <label class="field">
        <span>User name</span>
        <input {...edit("username")} autocomplete="off" autocapitalize="none" />
      </label>
      <label class="field">
        <span>Password</span>
        <input {...edit("password")} type="password" autocomplete="off" />
      </label>
      <details>
        <summary>Other ports, or a camera with an address of its own</summary>
        <label class="field">
          <span>Port of the robot</span>
          <input {...editWay("port")} type="number" min={1} max={65_535} placeholder="443" />
        </label>
        <label class="field">
          <span>Address of the camera</span>
          <input
            {...editWay("cameraHost")}
            placeholder="the robot's"
            autocapitalize="none"
            spellcheck={false}
          />
        </label>
        <label class="field">
          <span>Port of the camera</span>
          <input {...editWay("cameraPort")} type="number" min={1} max={65_535} placeholder="31102" />
        </label>
      </details>
      <Tried steps={tried} />
      <p class="problem" role="alert">
        {problem}
      </p>
      <div class="row end">
        {tried !== undefined && !isGood && (
          <button
            type="button"
            class="quiet"
            onClick={() => onDone({ ...robot, settings: found?.settings ?? {} })}
          >
            Go on all the same
          </button>
        )}
        <button type="submit" class="main-action go" disabled={isBusy || (isResting && !isGood)}>
          {isBusy ? "Trying…" : isGood ? "Next" : "Try"}
        </button>
      </div>
    </form>
  );
}

/** What was typed, as spotlive takes it. */
function given({ port, cameraHost, cameraPort }: Ways): Readonly<Record<string, unknown>> {
  return {
    ...(port !== "" && { port: Number(port) }),
    ...(cameraHost !== "" && { cameraHost }),
    ...(cameraPort !== "" && { cameraPort: Number(cameraPort) }),
  };
}

export function Tried({ steps }: { readonly steps: readonly SetupStep[] | undefined }): JSX.Element {
  return (
    <div role="status">
      <ul class="findings">
        {(steps ?? []).map(({ name, ok, text }) => (
          <li key={name}>
            <Mark level={ok ? "ok" : "wrong"} word={ok ? "done" : "failed"} />
            <span>
              <b>{name}</b> {text}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}
