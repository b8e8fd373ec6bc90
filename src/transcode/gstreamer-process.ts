import { existsSync } from "node:fs";
import { Fault, toFault } from "../domain/fault.ts";
import { startChild } from "../lib/child.ts";
import type { Child } from "../lib/child.ts";
import { productFile } from "../lib/product-files.ts";
import { childSignal } from "../lib/signals.ts";
import { graceMs, purpose } from "./encoder-runner.ts";
import type { RunnerContext } from "./encoder-runner.ts";
import type { FromGstreamer, ToGstreamer } from "./gstreamer-protocol.ts";

const program = productFile("src/transcode/gstreamer-child.ts");
/** It keeps no JavaScript objects worth the memory that Node would take for them. */
const nodeOptions = ["--max-semi-space-size=1", "--max-old-space-size=64"];
const checkMs = 10_000;

/** A running pipeline: `stdin` is its input, `output` what it gives. */
export interface GstreamerProcess extends AsyncDisposable, Pick<Child, "stdin" | "done"> {
  readonly output: NonNullable<Child["extra"]>;
  tell(message: ToGstreamer): void;
}

/**
 * Starts a process that plays one pipeline for as long as it lives; the description travels as a message, as
 * everybody on the machine can read arguments. `done` rejects with a `Fault`: `child-missing` when the add-on is not there,
 * `not-supported` when the pipeline cannot be built, `child-failed` when an element fails or the process dies.
 * `warn` takes the text about a property that could not be set.
 */
export async function startGstreamer(
  pipeline: string,
  { warn, ...options }: RunnerContext,
  signal: AbortSignal,
): Promise<GstreamerProcess> {
  let fault: Fault | undefined;
  const onMessage = (message: FromGstreamer): void => {
    if (message.type === "refused") warn(`GStreamer: ${message.message}`);
    else fault ??= faultOf(message);
  };
  const child = await start(onMessage, options, signal);
  const { stdin, extra: output, send } = child;
  if (output === undefined) throw new Fault("internal", "The GStreamer process has no output.");
  const done = child.done.catch((error: unknown) => {
    throw fault ?? error;
  });
  done.catch(() => {}); // as in `Child`
  const tell = (message: ToGstreamer): void => send?.(message);
  tell({ type: "play", pipeline });
  return { stdin, output, done, tell, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
}

/** Why GStreamer cannot be used here; undefined when it can. Takes a fraction of a second, at most 10 s. */
export async function whyNoGstreamer(signal: AbortSignal): Promise<string | undefined> {
  using scope = childSignal(signal);
  const answer = Promise.withResolvers<string | undefined>();
  const timer = setTimeout(() => answer.resolve("GStreamer's process does not answer."), checkMs);
  try {
    await using child = await start((message) => answer.resolve(faultOf(message)?.message), {}, scope.signal);
    child.done.then(() => answer.resolve("It was not waited for."), answer.reject);
    return await answer.promise;
  } catch (error) {
    return toFault(error).message;
  } finally {
    clearTimeout(timer);
  }
}

async function start(
  onMessage: (message: FromGstreamer) => void,
  options: Pick<RunnerContext, "priority">,
  signal: AbortSignal,
): Promise<Child> {
  const child = await startChild(process.execPath, [...nodeOptions, program], signal, {
    ...options,
    purpose,
    graceMs,
    name: "GStreamer",
    extraPipe: true,
    onMessage: (message) => onMessage(message as FromGstreamer),
  });
  child.stdout.resume(); // chatter of vendors' libraries
  return child;
}

/** A checkout builds it; an installed product gets it with its package. */
export function howToGetAddon(): string {
  return existsSync(productFile(".ci/setup"))
    ? "`sh .ci/setup gstreamer` builds it."
    : "Install a spotlive package that has it: `npm run deb -- --gstreamer` in a checkout makes one.";
}

function faultOf(message: FromGstreamer): Fault | undefined {
  switch (message.type) {
    case "missing":
      return new Fault(
        "child-missing",
        `The GStreamer add-on is not installed: ${message.message}. ${howToGetAddon()}`,
      );
    case "unbuildable":
      return new Fault("not-supported", `GStreamer cannot build the chain: ${message.message}.`);
    case "failed":
      return new Fault(
        "child-failed",
        `GStreamer, ${purpose}, failed in ${message.element}: ${message.message}`,
      );
    case "loaded":
    case "refused":
      return undefined;
  }
}
