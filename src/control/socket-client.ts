import { randomUUID } from "node:crypto";
import type { Command, Result } from "../domain/command.ts";
import { Fault, toFault } from "../domain/fault.ts";
import type { Status } from "../domain/status.ts";
import { request } from "../lib/http.ts";

const answerMs = 15_000;
const maxAnswerBytes = 1_048_576;

/** Asks the spotlive that listens at `path` for its status. Rejects with a `Fault`: `not-running` when nobody listens. */
export async function readStatus(path: string): Promise<Status> {
  const answer = await exchange(path, "GET", "/api/status");
  if (!isObject(answer) || typeof answer["phase"] !== "string" || !Array.isArray(answer["outputs"]))
    throw notOurs(path);
  return answer as unknown as Status;
}

/** Sends one command to the spotlive that listens at `path` and gives what came of it. Rejects like `readStatus`. */
export async function sendCommand(path: string, command: Command): Promise<Result> {
  const answer = await exchange(
    path,
    "POST",
    "/api/commands",
    JSON.stringify({ ...command, id: randomUUID() }),
  );
  if (
    !isObject(answer) ||
    typeof answer["ok"] !== "boolean" ||
    !isObject(answer[answer["ok"] ? "status" : "fault"])
  )
    throw notOurs(path);
  return answer as unknown as Result;
}

async function exchange(socketPath: string, method: string, path: string, body = ""): Promise<unknown> {
  try {
    return JSON.parse(await ask(socketPath, method, path, body));
  } catch (error) {
    throw explain(error, socketPath);
  }
}

async function ask(socketPath: string, method: string, path: string, body: string): Promise<string> {
  const signal = AbortSignal.timeout(answerMs);
  return await new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, signal }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
        if (text.length > maxAnswerBytes) sent.destroy(new Error("the answer is too long"));
      });
      response.on("end", () => resolve(text)).on("error", reject);
    });
    sent.on("error", reject).end(body);
  });
}

function explain(error: unknown, path: string): Fault {
  switch ((error as NodeJS.ErrnoException).code) {
    case "ENOENT":
    case "ECONNREFUSED":
      return new Fault(
        "not-running",
        `spotlive is not running: nobody listens at ${path}. Start it with: spotlive run`,
      );
    case "EACCES":
      return new Fault(
        "permission-denied",
        `You may not use ${path}: ask as root, or as a member of the group it belongs to.`,
      );
    default:
      return error instanceof SyntaxError
        ? notOurs(path)
        : toFault(error, "internal", `spotlive did not answer at ${path}`);
  }
}

const notOurs = (path: string): Fault =>
  new Fault("malformed", `What listens at ${path} gave an answer that is not spotlive's.`);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;
