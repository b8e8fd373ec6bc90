import { Fault } from "../domain/fault.ts";
import type { Secret } from "../domain/secret.ts";
import type { ServerStatus } from "./command.ts";

const inUse = /already|in use|duplicate|busy/i;
const notAllowed = /unauthori[sz]ed|denied|forbidden|\bauth/i;
const longestQuote = 200;

/** Turns a server's refusal of `connect` or `publish` into a fault. */
export function faultFromStatus(status: ServerStatus, streamKey: Secret): Fault {
  const words = quote(status, streamKey);
  if (status.code === "NetStream.Publish.BadName") {
    if (inUse.test(status.description)) {
      return new Fault(
        "key-in-use",
        `The server says that this stream key is already publishing (${words}). Stop the other publisher, or wait until the server has noticed that an old connection is dead.`,
      );
    }
    return new Fault("key-refused", `The server refused the stream key (${words}). Check the key.`);
  }
  if (notAllowed.test(status.code) || notAllowed.test(status.description)) {
    return new Fault(
      "key-refused",
      `The server did not allow publishing (${words}). Check the stream key and the URL.`,
    );
  }
  return new Fault(
    "publish-refused",
    `The server refused to take the stream (${words}). Check the URL of the output.`,
  );
}

/** The server's own words, safe to show: without control characters, short, and not at all if they hold the key. */
function quote(status: ServerStatus, streamKey: Secret): string {
  const text = `${status.code}: ${status.description}`.replace(/[^\x20-\x7e\xa0-\uffff]/g, " ").trim();
  const key = streamKey.reveal();
  const name = key.split("?", 1)[0] ?? "";
  const holdsKey = [key, name].some((part) => part !== "" && text.includes(part));
  return holdsKey ? "its words hold the stream key and are not shown" : `"${text.slice(0, longestQuote)}"`;
}
