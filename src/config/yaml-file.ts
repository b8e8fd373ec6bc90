import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { Node } from "yaml";
import { Fault } from "../domain/fault.ts";
import { describe, didYouMean } from "./problems.ts";
import type { Findings } from "./problems.ts";
import { formatOf, isKey } from "./keys.ts";
import type { Group, Key } from "./keys.ts";

/** Far more than a configuration needs; the YAML library takes quadratic time for many keys. */
const maxFileLength = 65_536;

/** What the items of a list look like, by the format of its key. */
export type ItemGroups = Readonly<Record<string, Group>>;

/** What a file says, in the shape of the schema: keys it does not name are absent. */
export type Given = { [name: string]: unknown };

/**
 * Reads a YAML 1.2 file along the schema. Keys and types that do not fit go to `findings`, with their lines, and are
 * left out of the result. Gives undefined, and a finding, for what is not YAML. Total: throws nothing but
 * the `Fault` of too many findings.
 */
export function readYaml(
  text: string,
  schema: Group,
  items: ItemGroups,
  findings: Findings,
): Given | undefined {
  if (text.length > maxFileLength) {
    findings.add(findings.file, `expected at most ${maxFileLength} characters, got ${text.length}`);
    return undefined;
  }
  try {
    return new YamlReader(text, items, findings).read(schema);
  } catch (error) {
    if (error instanceof Fault) throw error;
    findings.add(findings.file, "is not YAML that can be read (nested too deeply?)");
    return undefined;
  }
}

class YamlReader {
  readonly #lines = new LineCounter();
  readonly #document;
  readonly #items: ItemGroups;
  readonly #findings: Findings;

  constructor(text: string, items: ItemGroups, findings: Findings) {
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
    this.#items = items;
    this.#findings = findings;
  }

  read(schema: Group): Given | undefined {
    const { errors, warnings, contents } = this.#document;
    // What follows a colon in the library's messages is text of the file, so perhaps a secret.
    for (const { pos, message } of [...errors, ...warnings])
      this.#findings.add(this.#where(pos[0]), `not valid YAML: ${message.replace(/[:"'].*$/s, "")}`);
    return errors.length > 0 ? undefined : this.#group(contents, schema, "");
  }

  #group(given: unknown, group: Group, path: string): Given {
    const node = this.#resolve(given);
    if (node === null || (isScalar(node) && node.value === null)) return {};
    if (!isMap(node)) {
      const name = path === "" ? "the file" : path;
      this.#findings.add(
        this.#whereOf(node),
        `${name}: expected a group of keys, got ${describe(plain(node), true)}`,
      );
      return {};
    }
    const result: Given = {};
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : "?";
      const child = Object.hasOwn(group, name) ? group[name] : undefined;
      const where = this.#whereOf(key);
      const childPath = path === "" ? name : `${path}.${name}`;
      if (child === undefined) {
        const hint = didYouMean(name, Object.keys(group));
        this.#findings.add(where, `${shown(childPath)}: there is no such key.${hint}`);
        continue;
      }
      this.#findings.place(childPath, where);
      const read = isKey(child) ? this.#value(value, child, childPath) : this.#group(value, child, childPath);
      if (read !== undefined) result[name] = read;
    }
    return result;
  }

  /** Gives undefined where the value does not fit, or is null where null means "not set". */
  #value(given: unknown, key: Key<unknown>, path: string): unknown {
    const node = this.#resolve(given);
    const itemGroup = typeof key.format === "string" ? this.#items[key.format] : undefined;
    const isList = Array.isArray(key.default) && itemGroup === undefined;
    const value: unknown =
      isList && isSeq(node) ? node.toJS(this.#document, { maxAliasCount: 10 }) : plain(node);
    if (value === null && key.nullable) return undefined;
    if (value === null && Array.isArray(key.default)) return [];
    const format = formatOf(key);
    if (itemGroup !== undefined && isSeq(node) && format.matches(node.items, key))
      return node.items.map((item, index) => this.#item(item, itemGroup, `${path}[${index}]`));
    if (itemGroup === undefined && format.matches(value, key)) return value;
    const got = isSeq(node) ? `a list of ${node.items.length}` : describe(value, key.sensitive);
    const quotes = key.format === "text" && typeof value === "number" ? " (put it in quotes)" : "";
    this.#findings.addAt(path, `expected ${format.expected(key)}, got ${got}${quotes}`);
    return undefined;
  }

  #item(item: unknown, group: Group, path: string): Given {
    this.#findings.place(path, this.#whereOf(item));
    return this.#group(item, group, path);
  }

  #resolve(node: unknown): Node | null {
    if (isAlias(node)) {
      const target = node.resolve(this.#document);
      if (target === undefined)
        this.#findings.add(this.#whereOf(node), "a text that begins with * needs quotes");
      return target ?? null;
    }
    return isScalar(node) || isMap(node) || isSeq(node) ? node : null;
  }

  #whereOf(node: unknown): string {
    const range = isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range : undefined;
    return this.#where(range?.[0] ?? 0);
  }

  #where(offset: number): string {
    return `${this.#findings.file}:${Math.max(1, this.#lines.linePos(offset).line)}`;
  }
}

/** The value of a scalar; for a list or a group only its outer shape, which is enough to describe it. */
function plain(node: Node | null): unknown {
  if (node === null) return null;
  if (isScalar(node)) return typeof node.value === "bigint" ? Number(node.value) : node.value;
  return isSeq(node) ? [] : {};
}

const shown = (path: string): string => JSON.stringify(path.slice(0, 80)).slice(1, -1);
