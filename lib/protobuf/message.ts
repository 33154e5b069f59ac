// A message as a value: the fields that are set, by number.
import type { Field, MessageType } from './types.ts';

/** By kind: 64 bits are a bigint, bytes a Buffer, an enum its number. */
export type Scalar = number | bigint | boolean | string | Buffer;
export type Item = Scalar | Message;
/** The key of an entry. */
export type MapKey = number | bigint | boolean | string;
export type EntryMap = Map<MapKey, Item>;
/** Of a field: one item, a list, or a map. */
export type Value = Item | Item[] | EntryMap;

export class Message {
  readonly type: MessageType;
  /** No list and no map is empty; a field without presence does not have the zero value. */
  readonly fields = new Map<number, Value>();
  /** Whole fields that the type does not have, with their tags. */
  unknown: Buffer[] | null = null;

  constructor(type: MessageType) {
    this.type = type;
  }

  get(field: Field): Value | undefined {
    return this.fields.get(field.number);
  }

  /** Sets a field, and unsets the others of its oneof. The value has the form of the field. */
  set(field: Field, value: Value): void {
    if (field.oneof !== null) this.#clear(field.oneof.fields);
    if (!field.hasPresence && isZero(value)) this.fields.delete(field.number);
    else this.fields.set(field.number, value);
  }

  unset(field: Field): void {
    this.fields.delete(field.number);
  }

  #clear(fields: readonly Field[]): void {
    for (const { number } of fields) this.fields.delete(number);
  }
}

/** Whether it is the value of a field without presence that is not set. */
function isZero(value: Value): boolean {
  switch (typeof value) {
    case 'number':
      return Object.is(value, 0);
    case 'bigint':
      return value === 0n;
    case 'boolean':
      return !value;
    case 'string':
      return value === '';
    default:
      return isEmpty(value);
  }
}

function isEmpty(value: Exclude<Value, number | bigint | boolean | string>): boolean {
  if (value instanceof Message) return false;
  return value instanceof Map ? value.size === 0 : value.length === 0;
}
