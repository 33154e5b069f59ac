// Reads a message from the wire.
import type { Result } from '../result.ts';
import { guarded } from './fault.ts';
import { Allowance, MESSAGE_UNITS, PROTOBUF_LIMITS } from './limits.ts';
import type { ProtobufLimits } from './limits.ts';
import { Message } from './message.ts';
import type { EntryMap, Item, MapKey, Scalar } from './message.ts';
import { ProtobufFault } from './fault.ts';
import { textOf } from './raw-fields.ts';
import type { Field, FieldKind, MessageType } from './types.ts';
import { WIRE, WireReader } from './wire-reader.ts';
import { WIRE_TYPES, zeroOf } from './scalar-kinds.ts';

/** Reads a message. The error says what is wrong with the bytes. */
export function decodeMessage(type: MessageType, bytes: Buffer, limits: ProtobufLimits = PROTOBUF_LIMITS): Result<Message> {
  return guarded(() => readMessage(type, bytes, new Allowance(limits)));
}

/** The same with what is left of an allowance; throws ProtobufFault. */
export function readMessage(type: MessageType, bytes: Buffer, allowance: Allowance): Message {
  const message = new Message(type);
  new Decoder(allowance).read(message, new WireReader(bytes), 0);
  return message;
}

class Decoder {
  readonly #allowance: Allowance;

  constructor(allowance: Allowance) {
    this.#allowance = allowance;
  }

  /** Reads to the end of the reader, or of the group with that tag. */
  read(message: Message, reader: WireReader, endTag: number): void {
    this.#allowance.enter();
    for (;;) {
      if (endTag === 0 && reader.isAtEnd) break;
      const start = reader.at;
      const tag = reader.tag();
      if (tag === endTag) break;
      const field = message.type.byNumber.get(tag >>> 3);
      if (field === undefined || !this.#readField(message, field, reader, tag)) this.#keep(message, reader, tag, start);
    }
    this.#allowance.leave();
  }

  /** False: the wire type is not that of the field, and nothing is read. */
  #readField(message: Message, field: Field, reader: WireReader, tag: number): boolean {
    const wireType = tag & 7;
    const expected = WIRE_TYPES[field.kind];
    if (field.isList) return this.#readItems(message, field, reader, tag);
    if (wireType !== expected) return false;
    if (field.map !== null) this.#readEntry(message, field, field.map, reader.bytes());
    else if (field.message !== null) this.#readSingle(message, field, field.message, reader);
    else message.set(field, this.#scalar(field.kind, reader));
    return true;
  }

  /** A message that comes twice is merged. */
  #readSingle(message: Message, field: Field, type: MessageType, reader: WireReader): void {
    const before = message.get(field);
    const inner = before instanceof Message ? before : new Message(type);
    message.set(field, inner);
    this.#readInto(inner, field, reader);
  }

  #readInto(inner: Message, field: Field, reader: WireReader): void {
    if (field.kind === 'group') this.read(inner, reader, ((field.number << 3) | WIRE.groupEnd) >>> 0);
    else this.read(inner, new WireReader(reader.bytes()), 0);
  }

  #readItems(message: Message, field: Field, reader: WireReader, tag: number): boolean {
    const wireType = tag & 7;
    const expected = WIRE_TYPES[field.kind];
    if (wireType === expected) {
      this.#addItem(message, field, reader);
      return true;
    }
    // Packed: all kinds but those that have lengths themselves.
    if (wireType !== WIRE.bytes || expected === WIRE.groupStart) return false;
    const packed = new WireReader(reader.bytes());
    while (!packed.isAtEnd) this.#addItem(message, field, packed);
    return true;
  }

  #addItem(message: Message, field: Field, reader: WireReader): void {
    let item: Item;
    if (field.message === null) item = this.#scalar(field.kind, reader);
    else this.#readInto((item = new Message(field.message)), field, reader);
    const list = message.get(field);
    if (Array.isArray(list)) list.push(item);
    else message.set(field, [item]);
  }

  #readEntry(message: Message, field: Field, map: NonNullable<Field['map']>, bytes: Buffer): void {
    const reader = new WireReader(bytes);
    let key: MapKey = zeroOf(map.key.kind) as MapKey;
    let value: Item | null = null;
    while (!reader.isAtEnd) {
      const tag = reader.tag();
      if (tag === tagOf(map.key)) key = this.#scalar(map.key.kind, reader) as MapKey;
      else if (tag === tagOf(map.value)) value = this.#entryValue(map.value, value, reader);
      else reader.skip(tag);
    }
    value ??= map.value.message === null ? zeroOf(map.value.kind) : this.#emptyOf(map.value.message);
    this.#addEntry(message, field, key, value);
  }

  #entryValue(field: Field, before: Item | null, reader: WireReader): Item {
    if (field.message === null) return this.#scalar(field.kind, reader);
    const inner = before instanceof Message ? before : new Message(field.message);
    this.#readInto(inner, field, reader);
    return inner;
  }

  #emptyOf(type: MessageType): Message {
    return readMessage(type, Buffer.alloc(0), this.#allowance);
  }

  #addEntry(message: Message, field: Field, key: MapKey, value: Item): void {
    const entries = message.get(field);
    if (entries instanceof Map) entries.set(key, value);
    else message.set(field, new Map([[key, value]]) satisfies EntryMap);
  }

  /** Keeps a field that the type does not have, with its tag at this offset. */
  #keep(message: Message, reader: WireReader, tag: number, start: number): void {
    if ((tag & 7) === WIRE.groupEnd) throw new ProtobufFault('a group ends that has not begun');
    this.#allowance.take(MESSAGE_UNITS);
    reader.skip(tag);
    (message.unknown ??= []).push(reader.since(start));
  }

  #scalar(kind: FieldKind, reader: WireReader): Scalar {
    this.#allowance.take(1);
    return readScalar(kind, reader);
  }
}

function tagOf({ number, kind }: Field): number {
  return (number << 3) | WIRE_TYPES[kind];
}

function readScalar(kind: FieldKind, reader: WireReader): Scalar {
  switch (kind) {
    case 'string':
      return textOf(reader.bytes());
    case 'bytes':
      return reader.bytes();
    case 'bool':
      return reader.bool();
    case 'double':
      return reader.double();
    case 'float':
      return reader.float();
    default:
      return readInteger(kind, reader);
  }
}

function readInteger(kind: FieldKind, reader: WireReader): number | bigint {
  switch (kind) {
    case 'uint32':
      return reader.uint32();
    case 'sint32':
      return reader.sint32();
    case 'int64':
      return reader.int64();
    case 'uint64':
      return reader.uint64();
    case 'sint64':
      return reader.sint64();
    case 'int32':
    case 'enum':
      return reader.int32();
    default:
      return readFixed(kind, reader);
  }
}

function readFixed(kind: FieldKind, reader: WireReader): number | bigint {
  switch (kind) {
    case 'fixed32':
      return reader.fixed32();
    case 'sfixed32':
      return reader.sfixed32();
    case 'fixed64':
      return reader.fixed64();
    case 'sfixed64':
      return reader.sfixed64();
    default:
      throw new Error(`no scalar is of the kind ${kind}`);
  }
}
