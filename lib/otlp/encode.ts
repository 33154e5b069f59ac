// Parts that all messages of OTLP share: times, values, attributes, and the request around the records of one resource.
// Field numbers: opentelemetry-proto 1.x, common/v1, resource/v1 and collector/*/v1.
import { WIRE } from '../protobuf/wire-reader.ts';
import type { WireWriter } from '../protobuf/wire-writer.ts';
import { knownAttribute } from './known-attributes.ts';
import type { Attributes, Value } from './records.ts';

/** AnyValue. */
const ANY = { string: 1, bool: 2, int: 3, double: 4, array: 5, list: 6 } as const;
/** KeyValue. */
const KEY = 1;
const KEY_VALUE = 2;
/** Resource*, Scope*, and the records in a scope have the same numbers for all signals. */
const RESOURCES = 1;
const RESOURCE = 1;
const SCOPES = 2;
const SCOPE = 1;
const RECORDS = 2;

/** The most values within values; deeper ones are left out. */
const MAX_DEPTH = 8;
const TWO_32 = 0x1_0000_0000;

/** Writes a message, of which `write` writes the fields, the last one first. */
export function message<T>(writer: WireWriter, field: number, value: T, write: (writer: WireWriter, value: T) => void): void {
  const before = writer.length;
  write(writer, value);
  writer.uint32(writer.length - before);
  writer.tag(field, WIRE.bytes);
}

/** A text; an empty one takes no bytes. */
export function text(writer: WireWriter, field: number, value: string): void {
  if (value === '') return;
  writer.string(value);
  writer.tag(field, WIRE.bytes);
}

/** An id in hexadecimal digits; '' takes no bytes. */
export function id(writer: WireWriter, field: number, value: string): void {
  if (value === '') return;
  writer.hex(value);
  writer.tag(field, WIRE.bytes);
}

/** A number of 32 bits; 0 takes no bytes. */
export function uint(writer: WireWriter, field: number, value: number): void {
  if (value === 0) return;
  writer.uint32(value);
  writer.tag(field, WIRE.varint);
}

/** A time in milliseconds as nanoseconds. A number has no room for these, so the two halves are computed from microseconds. */
export function time(writer: WireWriter, field: number, ms: number): void {
  const micros = Math.round(ms * 1_000);
  const low = (micros % TWO_32) * 1_000;
  writer.fixed32((Math.floor(micros / TWO_32) * 1_000 + Math.floor(low / TWO_32)) >>> 0);
  writer.fixed32(low % TWO_32);
  writer.tag(field, WIRE.fixed64);
}

export function attributes(writer: WireWriter, field: number, values: Attributes): void {
  for (let i = values.length - 2; i >= 0; i -= 2) attribute(writer, field, values[i] as string, values[i + 1] as Value);
}

/** An attribute of a record. */
function attribute(writer: WireWriter, field: number, name: string, value: Value): void {
  const known = knownAttribute(name);
  if (known === null) return keyValue(writer, field, name, value, 0);
  const encoded = known.encoded(value);
  if (encoded !== null) writer.raw(encoded);
  else {
    const before = writer.length;
    anyValue(writer, KEY_VALUE, value);
    writer.raw(known.name);
    writer.uint32(writer.length - before);
    known.note(value, () => writer.finish().subarray(0, writer.length - before));
  }
  writer.tag(field, WIRE.bytes);
}

function keyValue(writer: WireWriter, field: number, name: string, value: Value, depth: number): void {
  const before = writer.length;
  anyValue(writer, KEY_VALUE, value, depth);
  text(writer, KEY, name);
  writer.uint32(writer.length - before);
  writer.tag(field, WIRE.bytes);
}

/** AnyValue as a field of another message. */
export function anyValue(writer: WireWriter, field: number, value: Value, depth = 0): void {
  const before = writer.length;
  writeValue(writer, value, depth);
  writer.uint32(writer.length - before);
  writer.tag(field, WIRE.bytes);
}

function writeValue(writer: WireWriter, value: Value, depth: number): void {
  switch (typeof value) {
    case 'string':
      writer.string(value);
      return writer.tag(ANY.string, WIRE.bytes);
    case 'boolean':
      writer.bool(value);
      return writer.tag(ANY.bool, WIRE.varint);
    case 'number':
      return writeNumber(writer, value);
    default:
      if (value !== null && depth < MAX_DEPTH) writeNested(writer, value, depth + 1);
  }
}

function writeNumber(writer: WireWriter, value: number): void {
  if (!Number.isSafeInteger(value)) {
    writer.double(value);
    return writer.tag(ANY.double, WIRE.fixed64);
  }
  if (value >= 0 && value < TWO_32) writer.uint32(value);
  else writer.int64(BigInt(value));
  writer.tag(ANY.int, WIRE.varint);
}

function writeNested(writer: WireWriter, value: readonly Value[] | { readonly [name: string]: Value }, depth: number): void {
  const before = writer.length;
  const isArray = Array.isArray(value);
  if (isArray) for (let i = value.length - 1; i >= 0; i--) anyValue(writer, 1, value[i] as Value, depth);
  else for (const [name, each] of Object.entries(value).reverse()) keyValue(writer, 1, name, each, depth);
  writer.uint32(writer.length - before);
  writer.tag(isArray ? ANY.array : ANY.list, WIRE.bytes);
}

/** The origin of all records of a queue, encoded once. */
export interface Origin {
  readonly resource: Attributes;
  readonly scope: { readonly name: string; readonly version: string };
}

/** A record in its scope: `write` writes the fields of the record. */
export function record<T>(writer: WireWriter, value: T, write: (writer: WireWriter, value: T) => void): void {
  message(writer, RECORDS, value, write);
}

/** What comes before `length` bytes of records in an Export*ServiceRequest. */
export function requestHead(writer: WireWriter, { resource, scope }: Origin, length: number): Buffer {
  writer.reset();
  message(writer, SCOPE, scope, (to, { name, version }) => {
    text(to, 2, version);
    text(to, 1, name);
  });
  writer.uint32(writer.length + length);
  writer.tag(SCOPES, WIRE.bytes);
  message(writer, RESOURCE, resource, (to, values) => attributes(to, 1, values));
  writer.uint32(writer.length + length);
  writer.tag(RESOURCES, WIRE.bytes);
  return Buffer.from(writer.finish());
}
