import { Fault } from "../domain/fault.ts";

/**
 * Action Message Format, version 0 (Adobe, "Action Message Format -- AMF 0", 2007): the values in RTMP commands and
 * in `onMetaData`. A plain object is an AMF object, a `Map` is an ECMA array.
 */
export type AmfValue =
  | number
  | boolean
  | string
  | null
  | undefined
  | Date
  | AmfObject
  | ReadonlyMap<string, AmfValue>
  | readonly AmfValue[];

export interface AmfObject {
  readonly [key: string]: AmfValue;
}

const marker = {
  number: 0x00,
  boolean: 0x01,
  string: 0x02,
  object: 0x03,
  null: 0x05,
  undefined: 0x06,
  ecmaArray: 0x08,
  objectEnd: 0x09,
  strictArray: 0x0a,
  date: 0x0b,
  longString: 0x0c,
  unsupported: 0x0d,
  xmlDocument: 0x0f,
  typedObject: 0x10,
} as const;

const maxDepth = 16;

/** Encodes values one after the other. Keys must be shorter than 64 KiB in UTF-8, nesting at most 16 deep. */
export function encodeAmf0(values: readonly AmfValue[]): Buffer {
  const parts: Buffer[] = [];
  for (const value of values) encodeValue(value, parts, 0);
  return Buffer.concat(parts);
}

function encodeValue(value: AmfValue, parts: Buffer[], depth: number): void {
  if (depth > maxDepth)
    throw new Fault("malformed", `An AMF0 value is nested deeper than ${maxDepth} levels.`);
  if (typeof value === "number") parts.push(withDouble(marker.number, value));
  else if (typeof value === "boolean") parts.push(Buffer.from([marker.boolean, value ? 1 : 0]));
  else if (typeof value === "string") encodeString(value, parts);
  else if (value === null) parts.push(Buffer.from([marker.null]));
  else if (value === undefined) parts.push(Buffer.from([marker.undefined]));
  else if (value instanceof Date) parts.push(withDouble(marker.date, value.getTime()), Buffer.alloc(2));
  else if (isArray(value)) {
    parts.push(withCount(marker.strictArray, value.length));
    for (const item of value) encodeValue(item, parts, depth + 1);
  } else if (value instanceof Map) {
    parts.push(withCount(marker.ecmaArray, value.size));
    encodeProperties(value, parts, depth);
  } else {
    parts.push(Buffer.from([marker.object]));
    encodeProperties(Object.entries(value), parts, depth);
  }
}

function encodeString(value: string, parts: Buffer[]): void {
  const text = Buffer.from(value, "utf8");
  if (text.length <= 0xffff) parts.push(Buffer.from([marker.string]), shortLength(text), text);
  else parts.push(withCount(marker.longString, text.length), text);
}

function encodeProperties(
  entries: Iterable<readonly [string, AmfValue]>,
  parts: Buffer[],
  depth: number,
): void {
  for (const [key, value] of entries) {
    const name = Buffer.from(key, "utf8");
    if (name.length > 0xffff)
      throw new Fault("malformed", "An AMF0 property name is longer than 65535 bytes.");
    parts.push(shortLength(name), name);
    encodeValue(value, parts, depth + 1);
  }
  parts.push(Buffer.from([0, 0, marker.objectEnd]));
}

function withDouble(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(9);
  bytes[0] = type;
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

function withCount(type: number, count: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes[0] = type;
  bytes.writeUInt32BE(count, 1);
  return bytes;
}

function shortLength(text: Buffer): Buffer {
  return Buffer.from([text.length >> 8, text.length & 0xff]);
}

/** Narrows to a readonly array, which `Array.isArray` alone does not. */
function isArray(value: AmfValue): value is readonly AmfValue[] {
  return Array.isArray(value);
}

/** Decodes all values in `bytes`. Throws a `Fault` (`malformed`) for anything that is not complete, valid AMF0. */
export function decodeAmf0(bytes: Uint8Array): AmfValue[] {
  const cursor = new Cursor(bytes);
  const values: AmfValue[] = [];
  while (!cursor.atEnd) values.push(decodeValue(cursor, 0));
  return values;
}

function decodeValue(cursor: Cursor, depth: number): AmfValue {
  if (depth > maxDepth)
    throw new Fault("malformed", `An AMF0 value is nested deeper than ${maxDepth} levels.`);
  const type = cursor.byte();
  switch (type) {
    case marker.number:
      return cursor.double();
    case marker.boolean:
      return cursor.byte() !== 0;
    case marker.string:
      return cursor.text(cursor.short());
    case marker.longString:
    case marker.xmlDocument:
      return cursor.text(cursor.long());
    case marker.null:
      return null;
    case marker.undefined:
    case marker.unsupported:
      return undefined;
    case marker.date: {
      const date = new Date(cursor.double());
      cursor.short(); // the time zone is reserved and always 0
      return date;
    }
    case marker.typedObject:
      cursor.text(cursor.short()); // the class name means nothing to us
      return toObject(decodeProperties(cursor, depth));
    case marker.object:
      return toObject(decodeProperties(cursor, depth));
    case marker.ecmaArray:
      cursor.long(); // only a hint: the end mark counts
      return new Map(decodeProperties(cursor, depth));
    case marker.strictArray: {
      const items: AmfValue[] = [];
      for (let left = cursor.long(); left > 0; left -= 1) items.push(decodeValue(cursor, depth + 1));
      return items;
    }
    default:
      throw new Fault(
        "malformed",
        `Expected an AMF0 type marker, got 0x${type.toString(16).padStart(2, "0")}.`,
      );
  }
}

function decodeProperties(cursor: Cursor, depth: number): [string, AmfValue][] {
  const properties: [string, AmfValue][] = [];
  for (;;) {
    const key = cursor.text(cursor.short());
    if (key === "" && cursor.peek() === marker.objectEnd) {
      cursor.byte();
      return properties;
    }
    properties.push([key, decodeValue(cursor, depth + 1)]);
  }
}

/** Without a prototype, so that a key such as `__proto__` is a key like any other. */
function toObject(properties: readonly [string, AmfValue][]): AmfObject {
  const object: Record<string, AmfValue> = Object.create(null) as Record<string, AmfValue>;
  for (const [key, value] of properties) object[key] = value;
  return object;
}

class Cursor {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get atEnd(): boolean {
    return this.#offset >= this.#bytes.length;
  }

  peek(): number | undefined {
    return this.#bytes[this.#offset];
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#advance(1));
  }

  short(): number {
    return this.#bytes.readUInt16BE(this.#advance(2));
  }

  long(): number {
    return this.#bytes.readUInt32BE(this.#advance(4));
  }

  double(): number {
    return this.#bytes.readDoubleBE(this.#advance(8));
  }

  text(length: number): string {
    const start = this.#advance(length);
    return this.#bytes.toString("utf8", start, start + length);
  }

  #advance(length: number): number {
    const start = this.#offset;
    if (start + length > this.#bytes.length) {
      throw new Fault(
        "malformed",
        `An AMF0 value ends after ${this.#bytes.length} bytes, in the middle of a field.`,
      );
    }
    this.#offset = start + length;
    return start;
  }
}
