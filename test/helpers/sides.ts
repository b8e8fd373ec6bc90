import { once } from "node:events";
import { startChild } from "../../src/lib/child.ts";
import { runInside } from "../../src/simulator/namespace.ts";
import type { CommandLine, Namespace } from "../../src/simulator/namespace.ts";

/** On every side the same one, in namespaces where nobody else listens: the answer then tells which way was taken. */
export const port = 8080;

const server = `const [, word, port] = process.argv;
require("net").createServer((socket) => socket.on("error", () => {}).end(word || socket.remoteAddress.replace("::ffff:", ""))).listen(+port, "::", () => console.log("up"));`;
const client = `const [, host, port] = process.argv;
const socket = require("net").connect({ host, port, timeout: 1500 });
socket.on("data", (word) => console.log(String(word))).on("end", () => process.exit());
socket.on("timeout", () => process.exit()).on("error", () => process.exit());`;
const purpose = "asking which side answers";

const node = (script: string, ...words: readonly string[]): CommandLine => [
  process.execPath,
  "-e",
  script,
  "--",
  ...words,
];

/** Answers with a word at every address of a namespace, or with who asks where it is empty, until disposed of. */
export async function answerWith(
  word: string,
  namespace: Namespace,
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  const [program, ...argv] = namespace.enter(node(server, word, String(port)));
  const child = await startChild(program, argv, signal, { purpose });
  await Promise.race([
    once(child.stdout, "data"),
    child.done.then(() => Promise.reject(new Error("the answering side ended"))),
  ]);
  return child;
}

/** The word of the side that is reached at an address; `nobody` where none answers. */
export async function whoAnswers(
  address: string,
  namespace: Namespace,
  signal: AbortSignal,
): Promise<string> {
  const said = await runInside(namespace, node(client, address, String(port)), { purpose }, signal);
  return said.trim() || "nobody";
}
