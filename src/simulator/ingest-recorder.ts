import { createWriteStream, type WriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { messageType, type IncomingMessage } from "../rtmp/message.ts";

const tagHeaderLength = 11;
/** "FLV", version 1, with sound and picture, header length 9, then the first (empty) back pointer. */
const fileHeader = Buffer.from([0x46, 0x4c, 0x56, 1, 5, 0, 0, 0, 9, 0, 0, 0, 0]);
const setDataFrame = Buffer.from([2, 0, 13, ...Buffer.from("@setDataFrame")]);

/** Writes what one connection sent to an FLV file, as it came (Adobe FLV specification 10.1, annex E). */
export class FlvRecorder implements AsyncDisposable {
  readonly #file: WriteStream;

  constructor(path: string) {
    this.#file = createWriteStream(path);
    this.#file.on("error", () => {}); // told by the disposal
    this.#file.write(fileHeader);
  }

  write(message: IncomingMessage): void {
    const payload = message.type === messageType.dataAmf0 ? withoutCommand(message.payload) : message.payload;
    const header = Buffer.alloc(tagHeaderLength);
    header[0] = message.type;
    header.writeUIntBE(payload.length, 1, 3);
    header.writeUIntBE(message.timestamp & 0xffffff, 4, 3);
    header[7] = message.timestamp >>> 24;
    const backPointer = Buffer.alloc(4);
    backPointer.writeUInt32BE(tagHeaderLength + payload.length);
    this.#file.cork();
    this.#file.write(header);
    this.#file.write(payload);
    this.#file.write(backPointer);
    this.#file.uncork();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const done = finished(this.#file);
    this.#file.end();
    await done;
  }
}

/** `@setDataFrame` tells the server to keep the data; in a file only the data stand. */
function withoutCommand(payload: Buffer): Buffer {
  const command = payload.subarray(0, setDataFrame.length);
  return command.equals(setDataFrame) ? payload.subarray(setDataFrame.length) : payload;
}
