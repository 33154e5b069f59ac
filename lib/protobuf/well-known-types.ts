// The types of `google.protobuf` with a JSON form of their own, and the fields that they must have: a descriptor set may hold anything.
import { ProtobufFault } from './fault.ts';
import type { Field, MessageType, WellKnown } from './types.ts';

const PREFIX = 'google.protobuf.';
const TIME = '1 int64, 2 int32';

const SHAPES: Readonly<Record<string, readonly [WellKnown, string]>> = {
  Any: ['Any', '1 string, 2 bytes'],
  Timestamp: ['Timestamp', TIME],
  Duration: ['Duration', TIME],
  FieldMask: ['FieldMask', '1 list string'],
  Struct: ['Struct', '1 map string Value'],
  Value: ['Value', '1 enum, 2 double, 3 string, 4 bool, 5 Struct, 6 ListValue'],
  ListValue: ['ListValue', '1 list Value'],
  Empty: ['Empty', ''],
  DoubleValue: ['wrapper', '1 double'],
  FloatValue: ['wrapper', '1 float'],
  Int64Value: ['wrapper', '1 int64'],
  UInt64Value: ['wrapper', '1 uint64'],
  Int32Value: ['wrapper', '1 int32'],
  UInt32Value: ['wrapper', '1 uint32'],
  BoolValue: ['wrapper', '1 bool'],
  StringValue: ['wrapper', '1 string'],
  BytesValue: ['wrapper', '1 bytes'],
};

/** The enum with the only value `null`. */
export const NULL_VALUE = `${PREFIX}NullValue`;

export function wellKnownOf(name: string): WellKnown | null {
  if (!name.startsWith(PREFIX)) return null;
  const key = name.slice(PREFIX.length);
  return Object.hasOwn(SHAPES, key) ? (SHAPES[key]?.[0] ?? null) : null;
}

/** Refuses a type with such a name and other fields. */
export function checkShape(type: MessageType): void {
  if (type.wellKnown === null) return;
  const shape = SHAPES[type.name.slice(PREFIX.length)]?.[1];
  if (type.fields.map(signature).join(', ') !== shape) throw new ProtobufFault(`${type.name} has not the fields of that type`);
}

function signature(field: Field): string {
  const { number, map, isList } = field;
  if (map !== null) return `${number} map ${kindOf(map.key)} ${kindOf(map.value)}`;
  return `${number} ${isList ? 'list ' : ''}${kindOf(field)}`;
}

function kindOf({ kind, message }: Field): string {
  return kind === 'message' ? (message?.name.slice(PREFIX.length) ?? '') : kind;
}
