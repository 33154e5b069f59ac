// The fields of a message by number, read without its type: for the messages that describe types.
import { ProtobufFault } from './fault.ts';
import { WIRE, WireReader } from './wire-reader.ts';

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of bytes. */
export function textOf(bytes: Buffer): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw new ProtobufFault('a string is not UTF-8');
  }
}

export class RawFields {
  readonly #varints = new Map<number, number>();
  readonly #bytes = new Map<number, Buffer[]>();

  constructor(bytes: Buffer) {
    const reader = new WireReader(bytes);
    while (!reader.isAtEnd) this.#read(reader, reader.tag());
  }

  #read(reader: WireReader, tag: number): void {
    const number = tag >>> 3;
    if ((tag & 7) === WIRE.varint) {
      this.#varints.set(number, reader.int32());
      return;
    }
    if ((tag & 7) !== WIRE.bytes) {
      reader.skip(tag);
      return;
    }
    const values = this.#bytes.get(number);
    if (values === undefined) this.#bytes.set(number, [reader.bytes()]);
    else values.push(reader.bytes());
  }

  /** The last value of a field; 0 without one. */
  number(field: number): number {
    return this.#varints.get(field) ?? 0;
  }

  has(field: number): boolean {
    return this.#varints.has(field) || this.#bytes.has(field);
  }

  flag(field: number): boolean {
    return this.number(field) !== 0;
  }

  /** '' without one. */
  text(field: number): string {
    const last = this.#bytes.get(field)?.at(-1);
    return last === undefined ? '' : textOf(last);
  }

  texts(field: number): string[] {
    return (this.#bytes.get(field) ?? []).map(textOf);
  }

  all(field: number): readonly Buffer[] {
    return this.#bytes.get(field) ?? [];
  }

  messages(field: number): RawFields[] {
    return this.all(field).map((bytes) => new RawFields(bytes));
  }

  /** A message that may be in several parts; without fields if it is not there. */
  message(field: number): RawFields {
    return new RawFields(this.joined(field));
  }

  /** Its bytes. */
  joined(field: number): Buffer {
    const parts = this.all(field);
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  }
}
