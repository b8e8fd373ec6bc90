import { once } from "node:events";
import type { Appliance } from "./appliance.ts";

/** The environment in which an appliance can be asked by {@link measureKeptMemory}. */
export const measurable = { NODE_OPTIONS: "--inspect=127.0.0.1:0" };

/** What an appliance holds once its garbage was collected, in bytes. */
export interface KeptMemory {
  readonly objects: number;
  /** Buffers and other memory outside the heap that objects hold. */
  readonly external: number;
  /** Whatever holds the process awake: sockets, timers, pipes. */
  readonly resources: number;
  /** Memory of the whole process: what libraries outside the heap hold is in it, and what nobody needs any more too. */
  readonly resident: number;
}

/** Collects an appliance's garbage, and measures what remains, through Node's inspector on loopback. */
export async function measureKeptMemory(appliance: Appliance): Promise<KeptMemory> {
  const url = /Debugger listening on (ws:\S+)/.exec(appliance.output())?.[1];
  if (url === undefined) throw new Error("the appliance was not started as measurable");
  const inspector = new WebSocket(url);
  await once(inspector, "open");
  const ask = async (method: string, params: object = {}): Promise<unknown> => {
    const answered = once(inspector, "message") as Promise<[{ readonly data: string }]>;
    inspector.send(JSON.stringify({ id: 1, method, params }));
    return JSON.parse((await answered)[0].data) as unknown;
  };
  await ask("HeapProfiler.collectGarbage");
  const expression = `(({ heapUsed: objects, external, rss: resident }) => {
    const resources = process.getActiveResourcesInfo().length;
    return JSON.stringify({ objects, external, resources, resident });
  })(process.memoryUsage())`;
  const { result } = (await ask("Runtime.evaluate", { expression })) as {
    readonly result: { readonly result: { readonly value: string } };
  };
  inspector.close();
  return JSON.parse(result.result.value) as KeptMemory;
}
