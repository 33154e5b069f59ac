// Writes a message to the wire, its fields in the order of their numbers.
import { Message } from './message.ts';
import type { EntryMap, Item } from './message.ts';
import { WIRE_TYPES } from './scalar-kinds.ts';
import type { Field, FieldKind } from './types.ts';
import { WIRE } from './wire-reader.ts';
import { WireWriter } from './wire-writer.ts';

export function encodeMessage(message: Message): Buffer {
  const writer = new WireWriter();
  writeMessage(writer, message);
  return writer.finish();
}

/** The writer goes from the last byte to the first, and so does everything here. */
function writeMessage(writer: WireWriter, { type, fields, unknown }: Message): void {
  if (unknown !== null) for (const each of unknown.toReversed()) writer.raw(each);
  const numbers = [...fields.keys()].sort((a, b) => b - a);
  for (const number of numbers) writeField(writer, type.byNumber.get(number) as Field, fields.get(number));
}

function writeField(writer: WireWriter, field: Field, value: unknown): void {
  if (field.map !== null) return writeEntries(writer, field, value as EntryMap);
  if (!field.isList) return writeItem(writer, field, value as Item);
  const items = value as readonly Item[];
  if (field.isPacked) return writePacked(writer, field, items);
  for (let i = items.length - 1; i >= 0; i--) writeItem(writer, field, items[i] as Item);
}

function writeItem(writer: WireWriter, field: Field, item: Item): void {
  const { number, kind } = field;
  if (item instanceof Message) return writeInner(writer, field, item);
  writeScalar(writer, kind, item);
  writer.tag(number, WIRE_TYPES[kind]);
}

function writeInner(writer: WireWriter, { number, kind }: Field, message: Message): void {
  if (kind === 'group') writer.tag(number, WIRE.groupEnd);
  const after = writer.length;
  writeMessage(writer, message);
  if (kind !== 'group') writer.uint32(writer.length - after);
  writer.tag(number, WIRE_TYPES[kind]);
}

function writePacked(writer: WireWriter, { number, kind }: Field, items: readonly Item[]): void {
  const after = writer.length;
  for (let i = items.length - 1; i >= 0; i--) writeScalar(writer, kind, items[i] as Item);
  writer.uint32(writer.length - after);
  writer.tag(number, WIRE.bytes);
}

function writeEntries(writer: WireWriter, { number, map }: Field, entries: EntryMap): void {
  if (map === null) return;
  for (const [key, value] of [...entries].reverse()) {
    const after = writer.length;
    writeItem(writer, map.value, value);
    writeItem(writer, map.key, key);
    writer.uint32(writer.length - after);
    writer.tag(number, WIRE.bytes);
  }
}

function writeScalar(writer: WireWriter, kind: FieldKind, value: Item): void {
  switch (kind) {
    case 'string':
      return writer.string(value as string);
    case 'bytes':
      return writer.bytes(value as Buffer);
    case 'bool':
      return writer.bool(value as boolean);
    case 'double':
      return writer.double(value as number);
    case 'float':
      return writer.float(value as number);
    default:
      return writeInteger(writer, kind, value);
  }
}

function writeInteger(writer: WireWriter, kind: FieldKind, value: Item): void {
  switch (kind) {
    case 'uint32':
      return writer.uint32(value as number);
    case 'sint32':
      return writer.sint32(value as number);
    case 'int64':
      return writer.int64(value as bigint);
    case 'uint64':
      return writer.uint64(value as bigint);
    case 'sint64':
      return writer.sint64(value as bigint);
    case 'int32':
    case 'enum':
      return writer.int32(value as number);
    default:
      return writeFixed(writer, kind, value);
  }
}

function writeFixed(writer: WireWriter, kind: FieldKind, value: Item): void {
  switch (kind) {
    case 'fixed32':
      return writer.fixed32(value as number);
    case 'sfixed32':
      return writer.sfixed32(value as number);
    case 'fixed64':
      return writer.fixed64(value as bigint);
    case 'sfixed64':
      return writer.sfixed64(value as bigint);
    default:
      throw new Error(`no scalar is of the kind ${kind}`);
  }
}
