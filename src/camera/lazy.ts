import type { CameraControl } from "../domain/camera.ts";
import type { Source } from "../domain/media.ts";

/** A source whose code is loaded when it runs for the first time; `load` is called at most once. */
export function lazySource(name: string, load: () => Promise<Required<Source>>): Source {
  let loading: Promise<Required<Source>> | undefined;
  let source: Source | undefined;
  const loaded = (): Promise<Required<Source>> => (loading ??= load());
  return {
    name,
    async run(emit, signal) {
      const ours = await loaded();
      source = ours;
      await ours.run(emit, signal);
    },
    requestKeyframe: () => source?.requestKeyframe(),
    awaitLink: async (signal) => (await loaded()).awaitLink(signal),
  };
}

/** A hand on a camera whose code is loaded when something is asked of it; it can nothing before. */
export function lazyControl(load: () => Promise<CameraControl>): CameraControl {
  let control: CameraControl | undefined;
  const loaded = async (): Promise<CameraControl> => (control ??= await load());
  return {
    get can() {
      return control?.can ?? new Set();
    },
    read: async (signal) => (await loaded()).read(signal),
    readStream: async (signal) => (await loaded()).readStream(signal),
    setStream: async (settings, signal) => (await loaded()).setStream(settings, signal),
    setCongestionControl: async (on, signal) => (await loaded()).setCongestionControl(on, signal),
    act: async (action, signal) => (await loaded()).act(action, signal),
  };
}
