/**
 * The program of the process that holds one GStreamer pipeline for its whole life. It is a process of its own because
 * a crash in a plugin ends the process it is in, because each pipeline that was ever made keeps two descriptors, and
 * because the add-on's waits take threads away from file and name look-ups for good. Media passes through descriptors
 * that GStreamer itself reads and writes. It ends when its parent does.
 */
import { createRequire } from "node:module";
import type { FromGstreamer, ToGstreamer } from "./gstreamer-protocol.ts";

interface Pipeline {
  play(): void;
  stop(): void;
  /** Calls back for each message on the bus until the pipeline is stopped. */
  pollBus(listener: (message: BusMessage) => void): void;
  findChild(name: string): Record<string, unknown> | undefined;
  /** Ends the process where there is no such element. */
  forceKeyUnit(sink: string, count: number): void;
}

interface BusMessage {
  readonly type: string;
  /** The failed element's path: `/GstPipeline:pipeline0/GstX264Enc:encoder`. */
  readonly name?: string;
  readonly message?: string;
}

interface Addon {
  readonly Pipeline: new (description: string) => Pipeline;
}

const require = createRequire(import.meta.url);
let pipeline: Pipeline | undefined;
let keyframesForced = 0;

/** Leaves without process.exit(), which would wait for the thread that waits for the bus. */
function die(): void {
  process.kill(process.pid, "SIGKILL");
}

function dieSaying(message: FromGstreamer): void {
  process.send?.(message, () => {
    pipeline?.stop();
    die();
  });
}

function load(): Addon | undefined {
  try {
    const addon = require("gstreamer-superficial") as Addon;
    process.send?.({ type: "loaded" } satisfies FromGstreamer);
    return addon;
  } catch (error) {
    dieSaying({ type: "missing", message: textOf(error) });
    return undefined;
  }
}

function play(description: string): void {
  if (addon === undefined || pipeline !== undefined) return;
  try {
    pipeline = new addon.Pipeline(description);
  } catch (error) {
    dieSaying({ type: "unbuildable", message: textOf(error) });
    return;
  }
  pipeline.pollBus(({ type, name = "", message = "it said nothing" }) => {
    if (type === "error") dieSaying({ type: "failed", element: name.replace(/^.*[/:]/, ""), message });
    else if (type === "eos") die();
  });
  pipeline.play();
}

/** Numbers pass through a C float, and null would reach GObject as nothing at all. */
function set({ element, property, value }: ToGstreamer & { readonly type: "set" }): void {
  const refuse = (why: string): void => {
    const message = `${property} of ${element} was not set to ${String(value)}: ${why}`;
    process.send?.({ type: "refused", message } satisfies FromGstreamer);
  };
  const fits = typeof value === "number" ? Math.fround(value) === value : value !== null;
  if (!fits || !["string", "number", "boolean"].includes(typeof value)) {
    refuse("it does not pass unchanged.");
    return;
  }
  const found = pipeline?.findChild(element);
  if (found === undefined || !(property in found)) {
    refuse("there is no such property.");
    return;
  }
  found[property] = value;
  const now = found[property];
  if (typeof now === "number" && now !== value) refuse(`it is ${now}.`);
}

function textOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\nRequire stack:.*$/s, "").replaceAll(/\s+/g, " ");
}

process.on("disconnect", die);
process.on("SIGTERM", () => {
  pipeline?.stop();
  die();
});
process.on("message", (message: ToGstreamer) => {
  switch (message.type) {
    case "play":
      play(message.pipeline);
      break;
    case "set":
      set(message);
      break;
    case "force-keyframe":
      if (pipeline?.findChild(message.sink) === undefined) break;
      keyframesForced += 1;
      pipeline.forceKeyUnit(message.sink, keyframesForced);
      break;
  }
});
const addon = load();
