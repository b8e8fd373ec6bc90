/**
 * What ip(8) prints for people, which is the same in all its versions; as JSON it tells routes only from 4.16 on, and
 * JetPack 4 has an older one. Each line as its words.
 */
export function linesOfWords(text: string): readonly (readonly string[])[] {
  return text
    .split("\n")
    .map((line) => line.split(/\s+/).filter((word) => word !== ""))
    .filter((words) => words.length > 0);
}

/** The word behind another, as in `dev eth0`; undefined where there is none. */
export function wordAfter(words: readonly string[], key: string): string | undefined {
  const index = words.indexOf(key);
  return index === -1 ? undefined : words[index + 1];
}
