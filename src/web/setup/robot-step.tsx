import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { ask, wordsOf } from "../model/api.ts";
import type { RobotTest, SetupStep } from "../model/wire.ts";
import { Mark } from "../ui/icons.tsx";
import type { Answers } from "./setup.tsx";

type Robot = Answers["robot"];
type Login = Omit<Robot, "settings">;

interface RobotStepProps {
  onDone(robot: Robot): void;
}

/** Address and login of the robot, tried at once: reached, logged in, camera seen. */
export function RobotStep({ onDone }: RobotStepProps): JSX.Element {
  const [robot, setRobot] = useState<Login>({ host: "192.168.50.3", username: "", password: "" });
  const [found, setFound] = useState<RobotTest>();
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(false);
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

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    if (isGood) return onDone({ ...robot, settings: found?.settings ?? {} });
    setBusy(true);
    setProblem("");
    try {
      setFound(await ask<RobotTest>("POST", "/api/setup/robot", { body: robot }));
    } catch (error) {
      setProblem(wordsOf(error));
    } finally {
      setBusy(false);
    }
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
        <button type="submit" class="main-action go" disabled={isBusy}>
          {isBusy ? "Trying…" : isGood ? "Next" : "Try"}
        </button>
      </div>
    </form>
  );
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
