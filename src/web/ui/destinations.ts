import { useEffect, useState } from "preact/hooks";
import type { Status } from "../../domain/status.ts";
import { ask } from "../model/api.ts";
import type { ConfigAnswer } from "../model/wire.ts";

/** Names of the outputs that the configuration lists; the status tells only those that were used. */
export function outputNames(config: ConfigAnswer): readonly string[] {
  return config.groups
    .filter(({ isNew }) => isNew !== true)
    .flatMap(({ keys }) => keys)
    .flatMap(({ path, value }) =>
      /^outputs\[\d+\]\.name$/.test(path) && typeof value === "string" ? [value] : [],
    );
}

/** All destinations that can be published to, in the order of the configuration. */
export function useDestinations({ settings, outputs }: Status): readonly string[] {
  const [configured, setConfigured] = useState<readonly string[]>([]);
  useEffect(() => {
    const scope = new AbortController();
    ask<ConfigAnswer>("GET", "/api/config", { signal: scope.signal }).then(
      (config) => setConfigured(outputNames(config)),
      () => {}, // those of the status are shown
    );
    return () => scope.abort();
  }, []);
  return [...new Set([...configured, ...settings.destinations, ...outputs.map(({ name }) => name)])];
}
