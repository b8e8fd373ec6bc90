import { stringify } from "yaml";
import { about, formatOf, isKey } from "./keys.ts";
import type { Group, Key } from "./keys.ts";
import { outputSchema } from "./schema-output.ts";
import { schema } from "./schema.ts";

const width = 100;

const head = [
  "spotlive configuration: every key with its default.",
  "Copy this file to /etc/spotlive/spotlive.yaml, set what differs, and check it with: spotlive check-config",
  "Brackets say what a key takes and the environment variable that wins over this file. null means: not set. " +
    "A secret is better kept in a file that only spotlive can read: every secret has a second key that ends in File.",
];

const outputsHead =
  "A destination with all its keys and their defaults; it needs streamKey or streamKeyFile (whip: where the server wants a token). " +
  "The environment variables count only while this file lists one destination or none: SPOTLIVE_STREAM_KEY " +
  "alone makes one on Twitch, SPOTLIVE_RTMP_URL and SPOTLIVE_STREAM_KEY together one on any server.";

/** The commented example of a configuration file, made from the schema; as YAML it says what the defaults are. */
export function renderExample(): string {
  return [...head.flatMap((text) => comment(text, "")), ...renderGroup(schema, ""), ""].join("\n");
}

function renderGroup(group: Group, indent: string): string[] {
  return Object.entries(group).flatMap(([name, node]) => {
    const gap = indent === "" ? [""] : [];
    if (!isKey(node))
      return [
        ...gap,
        ...comment(node[about], indent),
        `${indent}${name}:`,
        ...renderGroup(node, `${indent}  `),
      ];
    const line = `${indent}${name}: ${stringify(node.default).trim()}`;
    return [
      ...gap,
      ...comment(explain(node), indent),
      line,
      ...(node.format === "outputs" ? renderOutput() : []),
    ];
  });
}

/** One destination as comments: without the first # of each line it is YAML. */
function renderOutput(): string[] {
  const lines = ["outputs:", "  -", ...renderGroup(outputSchema, "    ")];
  return ["", ...comment(outputsHead, ""), ...lines.map((line) => `#${line}`)];
}

function explain(key: Key<unknown>): string {
  const selfEvident = key.format === "text" || key.format === "switch" || key.format === "outputs";
  const facts = [
    ...(selfEvident ? [] : [formatOf(key).expected(key)]),
    ...(key.env === undefined ? [] : [key.env]),
  ];
  return facts.length === 0 ? key.doc : `${key.doc} [${facts.join("; ")}]`;
}

/** Wraps a text into comment lines. */
function comment(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = `${indent}#`;
  for (const word of text.split(" ")) {
    if (line.length + 1 + word.length > width) {
      lines.push(line);
      line = `${indent}#`;
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
