import { socketPathToAsk } from "../config/paths.ts";
import { readStatus, sendCommand } from "../control/socket-client.ts";
import { Fault } from "../domain/fault.ts";
import { formatStatus } from "./status-text.ts";
import { jsonOption, socketOption } from "./verb.ts";
import type { Invocation, Verb } from "./verb.ts";

/** The verbs that speak to the running spotlive through its control socket. */
const options = { ...socketOption, ...jsonOption };

export const status: Verb = {
  name: "status",
  summary: "what the running spotlive is doing",
  options,
  async run(invocation) {
    const found = await readStatus(socketOf(invocation));
    invocation.print(invocation.flag("json") ? JSON.stringify(found) : formatStatus(found));
  },
};

export const start: Verb = {
  name: "start",
  summary: "go live",
  options,
  run: (invocation) => command("start", invocation),
};

export const stop: Verb = {
  name: "stop",
  summary: "end the stream",
  options,
  run: (invocation) => command("stop", invocation),
};

async function command(kind: "start" | "stop", invocation: Invocation): Promise<void> {
  const result = await sendCommand(socketOf(invocation), { kind });
  if (invocation.flag("json")) invocation.print(JSON.stringify(result));
  if (!result.ok) throw new Fault(result.fault.code, result.fault.message);
  if (!invocation.flag("json")) invocation.print(formatStatus(result.status));
}

const socketOf = ({ text }: Invocation): string => text("socket") ?? socketPathToAsk();
