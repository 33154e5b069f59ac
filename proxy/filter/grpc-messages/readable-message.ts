// Messages as expressions read them: fields by the names of the descriptors.
import { Message, type Item, type Value } from '#lib/protobuf/message.ts';
import { zeroOf } from '#lib/protobuf/scalar-kinds.ts';
import type { Field } from '#lib/protobuf/types.ts';

/**
 * Numbers of integers are of CEL's `int`, enums their names. A field that is not set has the value zero, if it does not tell whether it is
 * set; lists and maps are empty then. Other fields that are not set are absent.
 */
export function readableMessage({ type, fields }: Message): unknown {
  const readable: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const field of type.fields) {
    const value = fields.get(field.number);
    if (value !== undefined) readable[field.name] = readableValue(field, value);
    else if (!field.hasPresence) readable[field.name] = defaultOf(field);
  }
  return readable;
}

function defaultOf(field: Field): unknown {
  if (field.isList) return [];
  return field.map === null ? readableItem(field, zeroOf(field.kind)) : new Map();
}

function readableValue(field: Field, value: Value): unknown {
  if (value instanceof Map) {
    const entry = field.map?.value as Field;
    return new Map([...value].map(([key, item]) => [typeof key === 'number' ? BigInt(key) : key, readableItem(entry, item)]));
  }
  return Array.isArray(value) ? value.map((item) => readableItem(field, item)) : readableItem(field, value);
}

function readableItem({ kind, enum: names }: Field, item: Item): unknown {
  if (item instanceof Message) return readableInner(item);
  if (names !== null) return names.byNumber.get(item as number) ?? BigInt(item as number);
  if (kind === 'double' || kind === 'float') return item;
  return typeof item === 'number' ? BigInt(item) : item;
}

/** Wrappers are their values, timestamps those of CEL. */
function readableInner(message: Message): unknown {
  const { type, fields } = message;
  if (type.wellKnown === 'wrapper') {
    const field = type.fields[0] as Field;
    return readableItem(field, (fields.get(1) ?? zeroOf(field.kind)) as Item);
  }
  if (type.wellKnown !== 'Timestamp') return readableMessage(message);
  return new Date(Number(fields.get(1) ?? 0n) * 1_000 + Math.floor(Number(fields.get(2) ?? 0) / 1e6));
}
