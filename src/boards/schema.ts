import { describe, didYouMean } from "../config/problems.ts";
import { Fault } from "../domain/fault.ts";

/** Turns one value of a file into a typed one; `key` says where it stands. Throws `SchemaProblem` only. */
export type Reader<T> = (value: unknown, key: string) => T;

/** A value that does not fit; `readAll` makes a `Fault` of it. */
class SchemaProblem extends Error {}

/** Applies a reader to a whole file. Throws a `Fault` (`config-invalid`) with file, key, expected and got. */
export function readAll<T>(value: unknown, file: string, reader: Reader<T>): T {
  try {
    return reader(value, "");
  } catch (error) {
    const text = error instanceof SchemaProblem ? error.message : "it is nested too deeply";
    throw new Fault("config-invalid", `${file}: ${text}.`, { cause: error });
  }
}

/** For rules that join several keys. */
export function problem(key: string, text: string): Error {
  return new SchemaProblem(`${key === "" ? "the file" : key}: ${text}`);
}

function expected(what: string, value: unknown, key: string): Error {
  return problem(key, `expected ${what}, got ${describe(value)}`);
}

const longestText = 500;

/** A text of 1 to 500 characters that matches `pattern`; `what` says of which form. */
export function text(pattern: RegExp = /./, what = "a text"): Reader<string> {
  return (value, key) => {
    if (typeof value === "string" && value.length <= longestText && pattern.test(value)) return value;
    throw expected(what, value, key);
  };
}

export function number(least: number, most: number): Reader<number> {
  return (value, key) => {
    if (typeof value === "number" && value >= least && value <= most) return value;
    throw expected(`a number from ${least} to ${most}`, value, key);
  };
}

export function wholeNumber(least: number, most: number): Reader<number> {
  return (value, key) => {
    if (Number.isSafeInteger(value)) return number(least, most)(value, key);
    throw expected(`a whole number from ${least} to ${most}`, value, key);
  };
}

export const flag: Reader<boolean> = (value, key) => {
  if (typeof value === "boolean") return value;
  throw expected("true or false", value, key);
};

export function choice<const T extends string>(...words: readonly T[]): Reader<T> {
  return (value, key) => {
    const word = words.find((word) => word === value);
    if (word !== undefined) return word;
    const hint = typeof value === "string" ? didYouMean(value, words) : "";
    throw problem(key, `expected ${words.join(", ")}, got ${describe(value)}.${hint}`.replace(/\.$/, ""));
  };
}

const longestList = 64;

export function list<T>(item: Reader<T>, least = 0): Reader<readonly T[]> {
  return (value, key) => {
    if (Array.isArray(value) && value.length >= least && value.length <= longestList)
      return value.map((entry, index) => item(entry, `${key}[${index}]`));
    throw expected(`a list of ${least} to ${longestList}`, value, key);
  };
}

/** Any keys that match `name`, each with a value that `item` reads. */
export function record<T>(name: RegExp, item: Reader<T>): Reader<Readonly<Record<string, T>>> {
  return (value, key) => {
    const entries = entriesOf(value, key).map(([entry, content]) => {
      if (!name.test(entry)) throw problem(join(key, entry), `expected a name like ${name.source}`);
      return [entry, item(content, join(key, entry))] as const;
    });
    return Object.fromEntries(entries);
  };
}

/** What stands in the place of a key that is not there. */
export function otherwise<T>(reader: Reader<T>, value: T): Reader<T> {
  return (given, key) => (given === undefined ? value : reader(given, key));
}

type Fields = Readonly<Record<string, Reader<unknown>>>;
type Values<F extends Fields> = { readonly [K in keyof F]: ReturnType<F[K]> };

/** A group of these keys and no others; those of `optional` may be left out. */
export function group<F extends Fields>(fields: F): Reader<Values<F>>;
export function group<F extends Fields, O extends Fields>(
  fields: F,
  optional: O,
): Reader<Values<F> & Partial<Values<O>>>;
export function group(fields: Fields, optional: Fields = {}): Reader<Readonly<Record<string, unknown>>> {
  return (value, key) => {
    const given = new Map(entriesOf(value, key));
    const known = [...Object.keys(fields), ...Object.keys(optional)];
    for (const name of given.keys())
      if (!known.includes(name))
        throw problem(
          join(key, name),
          `there is no such key.${didYouMean(name, known)}`.replace(/[.?]$/, ""),
        );
    const result: Record<string, unknown> = {};
    for (const [name, reader] of Object.entries(fields))
      result[name] = reader(given.get(name), join(key, name));
    for (const [name, reader] of Object.entries(optional))
      if (given.has(name)) result[name] = reader(given.get(name), join(key, name));
    return result;
  };
}

function entriesOf(value: unknown, key: string): readonly (readonly [string, unknown])[] {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return Object.entries(value);
  throw expected("a group of keys", value, key);
}

const join = (key: string, name: string): string => {
  const shown = JSON.stringify(name.slice(0, 60)).slice(1, -1);
  return key === "" ? shown : `${key}.${shown}`;
};
