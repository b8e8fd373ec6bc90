import { constants } from "node:fs";
import { open, readFile, stat } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { Fault, toFault } from "../../src/domain/fault.ts";
import type { IoFailure, Medium } from "./medium.ts";
import { blockBytes } from "./blocks.ts";
import type { Disk } from "./disks.ts";

/**
 * Opens a disk for us alone: the kernel refuses it while anything on it is mounted or held, in any namespace. Reads and
 * writes go past the page cache. Throws a `Fault` (`usage`, `not-permitted`) that says what to do.
 */
export async function openDisk(disk: Disk): Promise<Medium> {
  const flags = constants.O_RDWR | constants.O_EXCL | constants.O_DIRECT;
  const handle = await open(disk.path, flags).catch((error: unknown) => {
    throw explainOpen(disk.path, error);
  });
  // The number may be another disk's by now; what was looked at and agreed to is what is opened.
  if (deviceNumber((await handle.stat()).rdev) !== disk.device) {
    await handle.close();
    throw new Fault("usage", `${disk.path} was exchanged for another disk meanwhile: nothing was written.`);
  }
  const isGone = async (): Promise<boolean> => {
    const size = await readFile(`/sys/dev/block/${disk.device}/size`, "utf8").catch(() => "0");
    return size.trim() === "0";
  };
  return new DirectMedium(handle, {
    ...{ name: disk.path, bytes: disk.bytes, blockBytes: disk.blockBytes, isDirect: true },
    isGone,
  });
}

/**
 * Opens a raw file. One that has a size is taken as a card of that size; one that is empty or not there gets `size`
 * bytes. Where its file system cannot read past the page cache, `isDirect` says so.
 */
export async function openFile(path: string, size: number): Promise<Medium> {
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined && !found.isFile())
    throw new Fault("usage", `--file takes a file, and ${path} is none.`);
  const flags = constants.O_RDWR | constants.O_CREAT;
  const direct = await open(path, flags | constants.O_DIRECT, 0o600).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "EINVAL") return undefined; // a file system without it
    throw explainOpen(path, error);
  });
  const handle = direct ?? (await open(path, flags, 0o600));
  const bytes = found === undefined || found.size === 0 ? size : found.size;
  if (bytes < size) {
    await handle.close();
    throw new Fault("usage", `${path} is too small: it has ${bytes} bytes, the image ${size}.`);
  }
  const isGone = async (): Promise<boolean> => false;
  const isDirect = direct !== undefined;
  const blockBytes = size % 4096 === 0 ? 4096 : 512; // a larger one would make the file longer than the image
  return new DirectMedium(handle, { name: path, bytes, blockBytes, isDirect, isGone });
}

interface Description {
  readonly name: string;
  readonly bytes: number;
  readonly blockBytes: number;
  readonly isDirect: boolean;
  isGone(): Promise<boolean>;
}

class DirectMedium implements Medium {
  readonly name: string;
  readonly bytes: number;
  readonly blockBytes: number;
  readonly isDirect: boolean;
  readonly #handle: FileHandle;
  readonly #isGone: () => Promise<boolean>;
  readonly #page = makeAligned();

  constructor(handle: FileHandle, { name, bytes, blockBytes, isDirect, isGone }: Description) {
    this.name = name;
    this.bytes = bytes;
    this.blockBytes = blockBytes;
    this.isDirect = isDirect;
    this.#handle = handle;
    this.#isGone = isGone;
  }

  async read(offset: number, length: number): Promise<Buffer | IoFailure> {
    const fail = (error: unknown, done: number): Promise<IoFailure> =>
      this.#failure("read", offset + done, error);
    for (let done = 0; done < length;) {
      try {
        const { bytesRead } = await this.#handle.read(this.#page, done, length - done, offset + done);
        if (bytesRead === 0) return await fail({ code: "EOF" }, done);
        done += bytesRead;
      } catch (error) {
        return await fail(error, done);
      }
    }
    return Buffer.from(this.#page.subarray(0, length));
  }

  async write(offset: number, bytes: Uint8Array): Promise<IoFailure | undefined> {
    this.#page.set(bytes);
    for (let done = 0; done < bytes.length;) {
      try {
        const length = bytes.length - done;
        const { bytesWritten } = await this.#handle.write(this.#page, done, length, offset + done);
        if (bytesWritten === 0) return await this.#failure("write", offset + done, { code: "ENOSPC" });
        done += bytesWritten;
      } catch (error) {
        return await this.#failure("write", offset + done, error);
      }
    }
    return undefined;
  }

  async flush(): Promise<IoFailure | undefined> {
    try {
      await this.#handle.sync();
      return undefined;
    } catch (error) {
      return await this.#failure("flush", 0, error);
    }
  }

  async #failure(operation: IoFailure["operation"], offset: number, error: unknown): Promise<IoFailure> {
    const { code = "EIO" } = error as NodeJS.ErrnoException;
    const isGone = code === "ENODEV" || code === "ENXIO" || (await this.#isGone());
    return { kind: "failed", operation, offset, code, isGone };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close().catch(() => {}); // a disk that has gone has nothing left to lose
  }
}

/** The compiler knows WebAssembly only with the types of browsers. */
const { WebAssembly } = globalThis as unknown as {
  readonly WebAssembly: {
    readonly Memory: new (size: { readonly initial: number }) => { buffer: ArrayBuffer };
  };
};

/** O_DIRECT wants memory that begins at a page, which no buffer of Node's own does. */
function makeAligned(): Buffer {
  return Buffer.from(new WebAssembly.Memory({ initial: blockBytes / 65_536 }).buffer);
}

function explainOpen(path: string, error: unknown): Fault {
  const { code } = error as NodeJS.ErrnoException;
  const cause = { cause: error };
  switch (code) {
    case "EACCES":
    case "EPERM":
      return new Fault("not-permitted", `${path} may only be written by root.`, cause);
    case "EBUSY":
      return new Fault(
        "usage",
        `${path} is in use: something on it is mounted or held, perhaps by another program or container. Nothing was written.`,
        cause,
      );
    case "EROFS":
      return new Fault("usage", `${path} is read-only. Is the lock of the card or its adapter set?`, cause);
    case "ENOMEDIUM":
      return new Fault("usage", `There is no card in ${path}.`, cause);
    case undefined:
    default:
      return toFault(error, "usage", `${path} cannot be opened`);
  }
}

/** `major:minor`, as sysfs writes it, of a device number as stat(2) gives it. */
export function deviceNumber(device: number): string {
  const wide = BigInt(device);
  const major = ((wide >> 8n) & 0xfffn) | ((wide >> 32n) & ~0xfffn);
  const minor = (wide & 0xffn) | ((wide >> 12n) & ~0xffn & 0xffffffffn);
  return `${major}:${minor}`;
}
