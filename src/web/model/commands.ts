import type { CameraAction } from "../../domain/camera.ts";
import type { Command, Result } from "../../domain/command.ts";
import { ask, wordsOf } from "./api.ts";
import { app, tell } from "./state.ts";

/** Letters and digits that make a command that is sent twice act once. `crypto.randomUUID` needs https. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return `web-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** Asks for something; rejects with a `Refusal` when it was not done. */
export async function command(wanted: Command): Promise<void> {
  const result = await ask<Result>("POST", "/api/commands", { body: { ...wanted, id: newId() } });
  if (result.ok) app.set({ status: result.status, statusAt: performance.now() });
}

/** The same for a button: tells when it was refused, and meanwhile the button is busy. Gives whether it was done. */
export async function act(wanted: Command, done?: string): Promise<boolean> {
  const { kind } = wanted;
  app.set({ busy: new Set([...app.value.busy, kind]) });
  try {
    await command(wanted);
    if (done !== undefined) tell("done", done);
    return true;
  } catch (error) {
    tell("refused", wordsOf(error));
    return false;
  } finally {
    app.set({ busy: new Set([...app.value.busy].filter((busy) => busy !== kind)) });
  }
}

export const moveCamera = (action: CameraAction): Promise<void> => command({ kind: "camera", action });

/** Whether clips can be made here: one place, for the day on which the status says so. */
export function canClip(status: object | undefined): boolean {
  return status !== undefined && "clips" in status && status.clips !== undefined && status.clips !== null;
}
