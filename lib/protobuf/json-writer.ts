// Writes messages as JSON as protobuf maps it (https://protobuf.dev/programming-guides/json/).
import type { Result } from '../result.ts';
import { readMessage } from './decode.ts';
import { guarded, ProtobufFault } from './fault.ts';
import { writeFieldMask } from './field-mask-text.ts';
import { writeEnumJson, writeScalarJson } from './json-scalar.ts';
import { Allowance, PROTOBUF_LIMITS } from './limits.ts';
import type { ProtobufLimits } from './limits.ts';
import { Message } from './message.ts';
import type { EntryMap, Item, Value } from './message.ts';
import { writeDuration, writeTimestamp } from './time-text.ts';
import type { Field, MessageType, Schema } from './types.ts';
import { NULL_VALUE } from './well-known-types.ts';
import { zeroOf } from './scalar-kinds.ts';

/** Characters; a message can be much longer in JSON. */
const MAX_JSON_CHARACTERS = 67_108_864;

export interface JsonWriting {
  /** The types of `google.protobuf.Any`. */
  readonly schema: Schema;
  /** Writes fields that are not set: empty lists and maps, and zero values of fields without presence. */
  readonly printDefaults: boolean;
  /** The names of the descriptors instead of those in lowerCamelCase. */
  readonly originalNames: boolean;
  readonly enumsAsNumbers: boolean;
  readonly limits?: ProtobufLimits;
}

/** Writes a message. The error says which value JSON cannot hold. */
export function jsonOfMessage(message: Message, writing: JsonWriting): Result<string> {
  return guarded(() => {
    const writer = new JsonWriter(writing);
    writer.message(message);
    return writer.finish();
  });
}

/** Writes the value of a field; of one that is not set, its default. */
export function jsonOfField(message: Message, field: Field, writing: JsonWriting): Result<string> {
  return guarded(() => {
    const writer = new JsonWriter(writing);
    writer.fieldOrDefault(message, field);
    return writer.finish();
  });
}

class JsonWriter {
  readonly #writing: JsonWriting;
  readonly #allowance: Allowance;
  #out = '';

  constructor(writing: JsonWriting) {
    this.#writing = writing;
    this.#allowance = new Allowance(writing.limits ?? PROTOBUF_LIMITS);
  }

  finish(): string {
    return this.#out;
  }

  message(message: Message): void {
    this.#allowance.enter();
    if (message.type.wellKnown === null) this.#object(message);
    else this.#wellKnown(message);
    this.#allowance.leave();
    if (this.#out.length > MAX_JSON_CHARACTERS) throw new ProtobufFault('it is too long as JSON');
  }

  fieldOrDefault(message: Message, field: Field): void {
    const value = message.get(field);
    if (value !== undefined) this.#value(field, value);
    else this.#default(field);
  }

  #object(message: Message): void {
    this.#out += '{';
    this.#members(message, '');
    this.#out += '}';
  }

  /** The fields, with this before the first one. */
  #members(message: Message, before: string): void {
    let separator = before;
    const { type, fields } = message;
    for (const [number, value] of fields) {
      const field = type.byNumber.get(number) as Field;
      this.#out += `${separator}${this.#name(field)}:`;
      this.#value(field, value);
      separator = ',';
    }
    if (this.#writing.printDefaults) this.#defaults(message, separator);
  }

  #defaults({ type, fields }: Message, before: string): void {
    let separator = before;
    for (const field of type.fields) {
      if (field.hasPresence || field.isRequired || fields.has(field.number)) continue;
      this.#out += `${separator}${this.#name(field)}:`;
      this.#default(field);
      separator = ',';
    }
  }

  #name({ name, jsonName }: Field): string {
    return JSON.stringify(this.#writing.originalNames ? name : jsonName);
  }

  #default(field: Field): void {
    if (field.isList) this.#out += '[]';
    else if (field.map !== null) this.#out += '{}';
    else if (field.message !== null) this.#out += 'null';
    else this.#item(field, zeroOf(field.kind));
  }

  #value(field: Field, value: Value): void {
    if (field.map !== null) this.#entries(field.map.value, value as EntryMap);
    else if (field.isList) this.#items(field, value as readonly Item[]);
    else this.#item(field, value as Item);
  }

  #items(field: Field, items: readonly Item[]): void {
    let separator = '[';
    for (const item of items) {
      this.#out += separator;
      this.#item(field, item);
      separator = ',';
    }
    this.#out += items.length === 0 ? '[]' : ']';
  }

  #entries(field: Field, entries: EntryMap): void {
    let separator = '{';
    for (const [key, item] of entries) {
      this.#out += `${separator}${JSON.stringify(String(key))}:`;
      this.#item(field, item);
      separator = ',';
    }
    this.#out += entries.size === 0 ? '{}' : '}';
  }

  #item(field: Field, item: Item): void {
    if (item instanceof Message) this.message(item);
    else this.#out += field.enum === null ? writeScalarJson(field.kind, item) : this.#enum(field.enum, item as number);
  }

  #enum(type: NonNullable<Field['enum']>, value: number): string {
    if (type.name === NULL_VALUE) return 'null';
    return this.#writing.enumsAsNumbers ? String(value) : writeEnumJson(type, value);
  }

  // --- Types with a form of their own

  #wellKnown(message: Message): void {
    switch (message.type.wellKnown) {
      case 'Timestamp':
        this.#out += `"${writeTimestamp(secondsOf(message))}"`;
        return;
      case 'Duration':
        this.#out += `"${writeDuration(secondsOf(message))}"`;
        return;
      case 'FieldMask':
        this.#out += JSON.stringify(writeFieldMask((message.fields.get(1) ?? []) as readonly string[]));
        return;
      case 'Any':
        return this.#any(message);
      case 'Empty':
        return this.#object(message);
      default:
        return this.#dynamic(message);
    }
  }

  #dynamic(message: Message): void {
    const { type, fields } = message;
    if (type.wellKnown !== 'Value') return this.fieldOrDefault(message, type.byNumber.get(1) as Field);
    const [number] = fields.keys();
    if (number === undefined) throw new ProtobufFault('a google.protobuf.Value has no value');
    const value = fields.get(number) as Value;
    if (typeof value === 'number' && !Number.isFinite(value))
      throw new ProtobufFault('a google.protobuf.Value has a number that JSON has not');
    this.#value(type.byNumber.get(number) as Field, value);
  }

  #any(message: Message): void {
    const url = (message.fields.get(1) ?? '') as string;
    const bytes = (message.fields.get(2) ?? Buffer.alloc(0)) as Buffer;
    if (url === '' && bytes.length === 0) {
      this.#out += '{}';
      return;
    }
    const inner = readMessage(this.#typeOf(url), bytes, this.#allowance);
    this.#out += `{"@type":${JSON.stringify(url)}`;
    if (inner.type.wellKnown === null) this.#members(inner, ',');
    else this.#anyValue(inner);
    this.#out += '}';
  }

  #anyValue(inner: Message): void {
    this.#out += ',"value":';
    this.message(inner);
  }

  #typeOf(url: string): MessageType {
    const type = this.#writing.schema.messages.get(url.slice(url.lastIndexOf('/') + 1));
    if (type === undefined)
      throw new ProtobufFault(`a google.protobuf.Any has the type ${JSON.stringify(url.slice(0, 128))}, which is not in the descriptors`);
    return type;
  }
}

function secondsOf({ fields }: Message): { readonly seconds: bigint; readonly nanos: number } {
  return { seconds: (fields.get(1) ?? 0n) as bigint, nanos: (fields.get(2) ?? 0) as number };
}
