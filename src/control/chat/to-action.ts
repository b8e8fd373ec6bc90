import type { CameraAction } from "../../domain/camera.ts";
import type { Status } from "../../domain/status.ts";
import type { ChatRules } from "./options.ts";
import type { CameraCommand } from "./parse-line.ts";
import type { Choice } from "./vote.ts";

/** A camera command in the camera's language, with the words it is spoken of in chat; a text where it cannot be. */
export function toAction(command: CameraCommand, rules: ChatRules, status: Status): Choice | string {
  switch (command.name) {
    case "cam": {
      const degrees = Math.min(command.degrees ?? rules.stepDegrees, rules.mostDegrees);
      const { direction } = command;
      const pan = direction === "left" ? -degrees : direction === "right" ? degrees : 0;
      const tilt = direction === "down" ? -degrees : direction === "up" ? degrees : 0;
      return choice(`cam ${direction} ${degrees}`, { kind: "look", pan, tilt, zoom: 1 });
    }
    case "zoom": {
      const { to } = command;
      if (typeof to === "number") return choice(`zoom ${to}`, { kind: "goto", position: { zoom: to } });
      const zoom = to === "in" ? rules.zoomFactor : 1 / rules.zoomFactor;
      return choice(`zoom ${to}`, { kind: "look", pan: 0, tilt: 0, zoom });
    }
    case "view":
      return toView(command.view, status);
    case "light":
      return choice(`light ${command.percent}`, { kind: "lights", brightness: command.percent / 100 });
  }
}

/** A preset or a screen, by the name that the camera or the configuration gives it, never by the words of chat. */
function toView(wanted: string, { camera }: Status): Choice | string {
  const { presets = [], screens = [] } = camera ?? {};
  const find = (names: readonly string[]): string | undefined =>
    names.find((name) => name.toLowerCase() === wanted.toLowerCase());
  const preset = find(presets);
  if (preset !== undefined) return choice(`view ${preset}`, { kind: "preset", name: preset });
  const screen = find(screens);
  if (screen !== undefined) return choice(`view ${screen}`, { kind: "screen", name: screen });
  const known = [...presets, ...screens];
  return known.length === 0 ? "There are no views." : `There is no such view; there are ${known.join(", ")}.`;
}

function choice(label: string, action: CameraAction): Choice {
  return { label, action };
}
