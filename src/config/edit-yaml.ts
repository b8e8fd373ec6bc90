import { isAlias, isMap, isScalar, isSeq, parseDocument, visit } from "yaml";
import type { Document } from "yaml";
import type { ConfigProblem, KeyChange } from "./change-config.ts";

/**
 * Sets and takes out keys in the text of a configuration file that is YAML; comments and order stay. Gives the new text, or
 * what stands in the way. Total.
 */
export function editYaml(
  text: string,
  changes: readonly KeyChange[],
): { readonly text: string } | { readonly problems: readonly ConfigProblem[] } {
  const document = parseDocument(text);
  if (hasAlias(document))
    return refused("the file uses anchors and aliases (& and *), so that it can only be changed by hand");
  try {
    // What is taken out comes last, and from the end, so that no place moves before it was used.
    for (const { place, value } of changes) if (value !== null) set(document, place, value);
    for (const { place, value } of changes.toSorted(fromTheEnd)) if (value === null) takeOut(document, place);
    return { text: document.toString({ lineWidth: 0 }) };
  } catch {
    return refused("the file cannot be changed here; change it by hand");
  }
}

const refused = (text: string): { readonly problems: readonly ConfigProblem[] } => ({
  problems: [{ path: "", text }],
});

function hasAlias(document: Document): boolean {
  let found = false;
  visit(document, (_key, node) => {
    if (!isAlias(node)) return undefined;
    found = true;
    return visit.BREAK;
  });
  return found;
}

function set(document: Document, place: readonly (string | number)[], value: unknown): void {
  for (let length = 1; length < place.length; length += 1) {
    const node = document.getIn(place.slice(0, length), true);
    // `http:` with nothing below it, and `outputs: []`, are what the example file leaves of a group.
    if (isScalar(node) && node.value === null) document.deleteIn(place.slice(0, length));
    else if (isSeq(node) && node.items.length === 0) node.flow = false;
  }
  const before = document.getIn(place, true);
  if (isScalar(before) && typeof value !== "object") before.value = value;
  else document.setIn(place, document.createNode(value));
}

/** A group that has nothing in it any more goes too. */
function takeOut(document: Document, place: readonly (string | number)[]): void {
  if (document.contents === null || !document.hasIn(place)) return;
  document.deleteIn(place);
  const group = place.slice(0, -1);
  const left = group.length === 0 ? undefined : document.getIn(group, true);
  if ((isMap(left) || isSeq(left)) && left.items.length === 0) takeOut(document, group);
}

function fromTheEnd(a: KeyChange, b: KeyChange): number {
  const index = ({ place: [, index] }: KeyChange): number => (typeof index === "number" ? index : -1);
  return index(b) - index(a);
}
