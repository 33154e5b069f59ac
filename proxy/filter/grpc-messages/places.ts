// The places in a message that a path names, and what rules do with them.
import { EVERY_KEY, type FieldPath, type FieldStep } from '#api/grpc-messages/field-path.ts';
import { fieldOfJson, type JsonReading } from '#lib/protobuf/json-reader.ts';
import { jsonOfMessage } from '#lib/protobuf/json-writer.ts';
import { Message, type EntryMap, type Item, type MapKey, type Value } from '#lib/protobuf/message.ts';
import type { Field, Schema } from '#lib/protobuf/types.ts';

/** Takes the place of a masked text. */
const MASK = '***';

/** A field of a message, or an entry of a map in it. */
export interface Place {
  readonly message: Message;
  readonly field: Field;
  /** Null: the whole field. */
  readonly key: MapKey | null;
}

/** The places of a path that have a value; `makes`: also a place that has none, with the messages on the way to it. */
export function placesOf(message: Message, path: FieldPath, makes = false): readonly Place[] {
  const last = path.length - 1;
  const messages = path
    .slice(0, last)
    .reduce<readonly Message[]>((all, step) => all.flatMap((each) => inner(each, step, makes)), [message]);
  const { field, key } = path[last] as FieldStep;
  return messages.flatMap((each) => keysOf(each, field, key, makes).map((found) => ({ message: each, field, key: found })));
}

/** The messages in a field. */
function inner(message: Message, { field, key }: FieldStep, makes: boolean): readonly Message[] {
  const value = message.get(field);
  if (value === undefined && makes && field.message !== null && !field.isList && field.map === null) {
    const made = new Message(field.message);
    message.set(field, made);
    return [made];
  }
  const items = value instanceof Map ? keysOf(message, field, key, false).map((each) => value.get(each as MapKey)) : [value].flat();
  return items.filter((item) => item instanceof Message);
}

/** The keys that a step means; null: the field as a whole. */
function keysOf(message: Message, field: Field, key: string | null, makes: boolean): readonly (MapKey | null)[] {
  const value = message.get(field);
  if (key === null) return value === undefined && !makes ? [] : [null];
  const keys = value instanceof Map ? [...value.keys()] : [];
  if (key === EVERY_KEY) return keys;
  const known = keys.filter((each) => String(each) === key);
  return known.length === 0 && makes && field.map?.key.kind === 'string' ? [key] : known;
}

/** The value of a place; undefined: none. */
export function valueAt({ message, field, key }: Place): Value | undefined {
  const value = message.get(field);
  return key === null ? value : (value as EntryMap | undefined)?.get(key);
}

export function removeAt({ message, field, key }: Place): void {
  const value = message.get(field);
  if (value instanceof Map && key !== null) value.delete(key);
  if (key === null || (value instanceof Map && value.size === 0)) message.unset(field);
}

/** Texts become ***; other values go. */
export function maskAt(place: Place): void {
  const { message, field, key } = place;
  const masked = maskOf(key === null ? field : (field.map?.value as Field), valueAt(place));
  if (masked === undefined) removeAt(place);
  else if (key === null) message.set(field, masked);
  else (message.get(field) as EntryMap).set(key, masked as Item);
}

/** Undefined: the value cannot have a mask. */
function maskOf({ kind, map }: Field, value: Value | undefined): Value | undefined {
  if (value instanceof Map) {
    const item = maskOf(map?.value as Field, undefined);
    return item === undefined ? undefined : new Map([...value.keys()].map((key) => [key, item as Item]));
  }
  const mask = kind === 'string' ? MASK : kind === 'bytes' ? Buffer.from(MASK) : undefined;
  return Array.isArray(value) && mask !== undefined ? value.map(() => mask) : mask;
}

/** Sets a place from JSON; false: it cannot have this value, and is removed. */
export function setAt(place: Place, json: string, reading: JsonReading): boolean {
  const { message, field, key } = place;
  const text = key === null ? json : `{${JSON.stringify(String(key))}:${json}}`;
  const made = fieldOfJson(new Message(message.type), field, text, reading);
  const value = made.ok ? made.value.get(field) : undefined;
  if (!made.ok || (key !== null && value === undefined)) {
    removeAt(place);
    return false;
  }
  if (key !== null) putEntry(place, (value as EntryMap).get(key) as Item);
  else if (value === undefined) message.unset(field);
  else message.set(field, value);
  return true;
}

function putEntry({ message, field, key }: Place, item: Item): void {
  const entries = message.get(field);
  if (entries instanceof Map) entries.set(key as MapKey, item);
  else message.set(field, new Map([[key as MapKey, item]]));
}

/** The value of a place as a text for the log. */
export function textAt(place: Place, schema: Schema): string {
  const value = valueAt(place);
  const field = place.key === null ? place.field : (place.field.map?.value as Field);
  if (value instanceof Map) return [...value].map(([key, item]) => `${String(key)}=${itemText(field, item, schema)}`).join(',');
  return [value]
    .flat()
    .map((item) => (item === undefined ? '' : itemText(field, item, schema)))
    .join(',');
}

function itemText({ enum: names }: Field, item: Item, schema: Schema): string {
  if (Buffer.isBuffer(item)) return item.toString('base64');
  if (!(item instanceof Message)) return names?.byNumber.get(item as number) ?? String(item);
  const json = jsonOfMessage(item, { schema, printDefaults: false, originalNames: true, enumsAsNumbers: false });
  return json.ok ? json.value : '';
}
