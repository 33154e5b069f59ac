// Attributes in their encoding, by name: most records have the names, and many of the values, of the record before. To copy bytes costs less
// than to encode a text.
import { WIRE } from '../protobuf/wire-reader.ts';
import { WireWriter } from '../protobuf/wire-writer.ts';

/** KeyValue of opentelemetry-proto 1.x, common/v1. */
const KEY = 1;
/** Further names are encoded each time. */
const MAX_NAMES = 1_024;
/** Longer values are encoded each time, characters. */
const MAX_VALUE = 256;

/** A name with its last value. */
export class KnownAttribute {
  /** The field with the name. */
  readonly name: Buffer;
  #value: string | number | null = null;
  #encoded: Buffer | null = null;

  constructor(name: string) {
    const writer = new WireWriter();
    writer.string(name);
    writer.tag(KEY, WIRE.bytes);
    this.name = own(writer.finish());
  }

  /** The whole attribute with its length, if its value is this one and was so before; or null. */
  encoded(value: unknown): Buffer | null {
    return this.#encoded !== null && value === this.#value ? this.#encoded : null;
  }

  /** Notes a value with its encoding, which is kept once the same value comes twice in a row: values of requests seldom do. */
  note(value: unknown, encoded: () => Buffer): void {
    if (!isShort(value)) return;
    this.#encoded = value === this.#value ? own(encoded()) : null;
    this.#value = value;
  }
}

/** Texts that are not long, and numbers: ports and statuses come again. */
function isShort(value: unknown): value is string | number {
  return typeof value === 'string' ? value.length <= MAX_VALUE : typeof value === 'number';
}

const known = new Map<string, KnownAttribute>();

/** The known attribute of a name; null: there are too many names. */
export function knownAttribute(name: string): KnownAttribute | null {
  const found = known.get(name);
  if (found !== undefined) return found;
  if (known.size >= MAX_NAMES) return null;
  const added = new KnownAttribute(name);
  known.set(name, added);
  return added;
}

/** A copy that keeps no other memory. */
function own(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}
