// Descriptor sets as bytes, right or wrong, without a compiler of .proto files.
import { WIRE } from '#lib/protobuf/wire-reader.ts';
import { WireWriter } from '#lib/protobuf/wire-writer.ts';

/** A field by its number: a number as varint, all else with a length. */
export type RawField = readonly [number, number | string | Buffer];

/** The bytes of a message. */
export function rawMessage(...fields: readonly RawField[]): Buffer {
  const writer = new WireWriter();
  for (const [number, value] of fields.toReversed()) {
    if (typeof value === 'number') writer.int32(value);
    else writer.bytes(Buffer.from(value));
    writer.tag(number, typeof value === 'number' ? WIRE.varint : WIRE.bytes);
  }
  return writer.finish();
}

const TYPES = { double: 1, int64: 3, int32: 5, bool: 8, string: 9, group: 10, message: 11, bytes: 12, enum: 14 };

/** A field; `type` is a scalar, or the full name of a message with a dot before it. */
export function fieldOf(name: string, number: number, type: string, ...others: readonly RawField[]): Buffer {
  const isMessage = type.startsWith('.');
  const types: RawField[] = isMessage
    ? [
        [5, TYPES.message],
        [6, type],
      ]
    : [[5, TYPES[type as keyof typeof TYPES]]];
  return rawMessage([1, name], [3, number], [4, 1], ...types, ...others);
}

/** The label of a list. */
export const REPEATED: RawField = [4, 3];

export function messageOf(name: string, fields: readonly Buffer[], ...others: readonly RawField[]): Buffer {
  return rawMessage([1, name], ...fields.map((field): RawField => [2, field]), ...others);
}

/** A file of proto3 with the package `t`. */
export function fileOf(messages: readonly Buffer[], ...others: readonly RawField[]): Buffer {
  return rawMessage([1, 't.proto'], [2, 't'], ...messages.map((message): RawField => [4, message]), [12, 'proto3'], ...others);
}

export function setOf(...files: readonly Buffer[]): Buffer {
  return rawMessage(...files.map((file): RawField => [1, file]));
}
