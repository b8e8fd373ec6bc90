import { Fault, toFault } from "../../domain/fault.ts";

/** One thing that was tried, for a person who sets spotlive up. */
export interface SetupStep {
  readonly name: string;
  readonly ok: boolean;
  readonly text: string;
}

/** Tries one thing after the other, up to the first that fails. `look` gives the sentence that says how it went. */
export class Steps {
  readonly done: SetupStep[] = [];

  async take(name: string, look: () => Promise<string>): Promise<boolean> {
    try {
      this.done.push({ name, ok: true, text: await look() });
      return true;
    } catch (error) {
      this.done.push({ name, ok: false, text: toFault(error).message });
      return false;
    }
  }
}

/** Those fields of a request that are there, whatever they hold; throws a `Fault` where it is no object. */
export function fieldsOf(body: unknown, names: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw new Fault("malformed", `Expected an object with ${names.join(", ")}, got something else.`);
  const given: Readonly<Record<string, unknown>> = { ...body };
  return Object.fromEntries(
    names.flatMap((name) => (Object.hasOwn(given, name) ? [[name, given[name]]] : [])),
  );
}
