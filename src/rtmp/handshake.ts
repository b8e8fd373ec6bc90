import { randomFillSync } from "node:crypto";
import { Fault } from "../domain/fault.ts";
import { noBytes } from "./message.ts";

/** Length of C1, S1, C2 and S2 (Adobe RTMP Specification 1.0, section 5.2.3). */
const blockLength = 1536;
const rtmpVersion = 3;

export interface HandshakeStep {
  /** What must be sent now; may be empty. */
  readonly reply: Buffer;
  readonly done: boolean;
  /** Bytes after the handshake: the first chunks. Empty until `done`. */
  readonly rest: Buffer;
}

/**
 * The plain RTMP 1.0 handshake of either side, on bytes alone. The echo in S2 and C2 is not compared: servers with
 * the digest handshake of Flash answer a plain one with other bytes.
 */
export class Handshake {
  readonly #role: "client" | "server";
  readonly #received = Buffer.alloc(1 + 2 * blockLength);
  #length = 0;
  #answered = false;

  constructor(role: "client" | "server") {
    this.#role = role;
  }

  /** What has to be sent before anything was received: C0 and C1 for a client, nothing for a server. */
  hello(): Buffer {
    return this.#role === "client" ? versionAndBlock() : noBytes;
  }

  /** Takes the next received bytes. Throws a `Fault` (`protocol-error`) when the peer does not speak RTMP. */
  push(bytes: Buffer): HandshakeStep {
    const taken = bytes.copy(this.#received, this.#length);
    this.#length += taken;
    const version = this.#received[0];
    if (this.#length > 0 && version !== rtmpVersion) {
      throw new Fault(
        "protocol-error",
        `Expected an RTMP handshake (version 3), got a first byte of ${version}.`,
      );
    }
    const done = this.#length === this.#received.length;
    let reply = noBytes;
    if (!this.#answered && this.#length > blockLength) {
      this.#answered = true;
      const echo = this.#received.subarray(1, 1 + blockLength);
      reply = this.#role === "client" ? Buffer.from(echo) : Buffer.concat([versionAndBlock(), echo]);
    }
    return { reply, done, rest: done ? bytes.subarray(taken) : noBytes };
  }
}

/** C0+C1 or S0+S1: the version, the time 0, four zero bytes (which ask for the plain handshake) and noise. */
function versionAndBlock(): Buffer {
  const bytes = Buffer.alloc(1 + blockLength);
  bytes[0] = rtmpVersion;
  randomFillSync(bytes, 9);
  return bytes;
}
