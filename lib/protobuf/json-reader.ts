// Reads messages from JSON as protobuf maps it (https://protobuf.dev/programming-guides/json/).
import type { Result } from '../result.ts';
import { encodeMessage } from './encode.ts';
import { guarded, ProtobufFault } from './fault.ts';
import { readFieldMask } from './field-mask-text.ts';
import { readEnumJson, readScalarJson } from './json-scalar.ts';
import { JsonNumber, readJson } from './json-text.ts';
import type { Json, JsonObject } from './json-text.ts';
import { Allowance, PROTOBUF_LIMITS } from './limits.ts';
import type { ProtobufLimits } from './limits.ts';
import { Message } from './message.ts';
import type { EntryMap, Item, MapKey, Scalar, Value } from './message.ts';
import { readDuration, readTimestamp } from './time-text.ts';
import type { Seconds } from './time-text.ts';
import type { Field, MessageType, Schema } from './types.ts';
import { NULL_VALUE } from './well-known-types.ts';

/** Objects and arrays around a message: a list of messages has two for each. */
const JSON_DEPTH_FACTOR = 2;
const TYPE_KEY = '@type';

export interface JsonReading {
  /** The types of `google.protobuf.Any`. */
  readonly schema: Schema;
  /** Fields that the type does not have are dropped; otherwise they are refused. */
  readonly ignoreUnknown: boolean;
  readonly limits?: ProtobufLimits;
}

/** Reads a message. The error says what is wrong with the text. */
export function messageOfJson(type: MessageType, text: string, reading: JsonReading): Result<Message> {
  return guarded(() => {
    const { reader, json } = begin(text, reading);
    return reader.message(type, json, type.name);
  });
}

/** Reads the value of a field into a message. */
export function fieldOfJson(message: Message, field: Field, text: string, reading: JsonReading): Result<Message> {
  return guarded(() => {
    const { reader, json } = begin(text, reading);
    reader.field(message, field, json);
    return message;
  });
}

/** Sets a field from text that is not JSON, such as a part of a path: `true`, `12`, `NAME`; a list gets one item more. Throws ProtobufFault. */
export function addText(message: Message, field: Field, text: string, reading: JsonReading): void {
  const reader = new JsonReader(reading);
  const item = reader.item(field, jsonOfText(field, text), field.name);
  const list = message.get(field);
  if (!field.isList) message.set(field, item);
  else if (Array.isArray(list)) list.push(item);
  else message.set(field, [item]);
}

/** The JSON of such a text. */
function jsonOfText({ kind, message }: Field, text: string): Json {
  const wrapped = message?.wellKnown === 'wrapper' ? message.byNumber.get(1)?.kind : undefined;
  const isBool = kind === 'bool' || wrapped === 'bool';
  if (isBool && (text === 'true' || text === 'false')) return text === 'true';
  const isNumber = /^-?[0-9]{1,10}$/.test(text);
  return kind === 'enum' && isNumber ? new JsonNumber(text) : text;
}

function begin(text: string, reading: JsonReading): { readonly reader: JsonReader; readonly json: Json } {
  const { maxDepth, maxUnits } = reading.limits ?? PROTOBUF_LIMITS;
  const json = readJson(text, new Allowance({ maxDepth: JSON_DEPTH_FACTOR * maxDepth, maxUnits }));
  return { reader: new JsonReader(reading), json };
}

class JsonReader {
  readonly #schema: Schema;
  readonly #ignoreUnknown: boolean;
  readonly #allowance: Allowance;

  constructor({ schema, ignoreUnknown, limits }: JsonReading) {
    this.#schema = schema;
    this.#ignoreUnknown = ignoreUnknown;
    this.#allowance = new Allowance(limits ?? PROTOBUF_LIMITS);
  }

  message(type: MessageType, json: Json, name: string): Message {
    const message = new Message(type);
    this.#allowance.enter();
    if (type.wellKnown === null) this.#fields(message, expectObject(json, name));
    else this.#wellKnown(message, json, name);
    this.#allowance.leave();
    return message;
  }

  #fields(message: Message, object: JsonObject): void {
    const { type } = message;
    const seen = new Set<Field>();
    for (const [key, json] of object) {
      const field = type.byName.get(key);
      if (field !== undefined) this.#once(message, field, json, seen);
      else if (!this.#ignoreUnknown) throw new ProtobufFault(`${type.name} has no field ${JSON.stringify(key.slice(0, 64))}`);
    }
    checkRequired(message);
  }

  #once(message: Message, field: Field, json: Json, seen: Set<Field>): void {
    if (seen.has(field)) throw new ProtobufFault(`the field ${field.name} comes twice, by its two names`);
    seen.add(field);
    const { oneof } = field;
    const isSecond = json !== null && oneof !== null && oneof.fields.some(({ number }) => message.fields.has(number));
    if (isSecond) throw new ProtobufFault(`the oneof ${oneof.name} has two values`);
    this.field(message, field, json);
  }

  field(message: Message, field: Field, json: Json): void {
    const { map } = field;
    if (json === null && (field.isList || map !== null || !takesNull(field))) message.unset(field);
    else message.set(field, this.#value(field, map, json));
  }

  #value(field: Field, map: Field['map'], json: Json): Value {
    const { name } = field;
    if (map !== null) return this.#entries(map, expectObject(json, name), name);
    if (!field.isList) return this.item(field, json, name);
    if (!Array.isArray(json)) throw new ProtobufFault(`${name} must be an array`);
    return (json as readonly Json[]).map((each) => this.item(field, each, name));
  }

  item(field: Field, json: Json, name: string): Item {
    if (field.message !== null) return this.message(field.message, expectItem(field, json), name);
    this.#allowance.take(1);
    if (field.enum === null) return readScalarJson(field.kind, json, name);
    if (field.enum.name === NULL_VALUE && json === null) return 0;
    return readEnumJson(field.enum, json, name);
  }

  #entries(map: NonNullable<Field['map']>, object: JsonObject, name: string): EntryMap {
    const entries: EntryMap = new Map();
    for (const [text, json] of object) {
      const key = this.#key(map.key, text, name);
      if (entries.has(key)) throw new ProtobufFault(`${name} has a key twice`);
      entries.set(key, this.item(map.value, json, name));
    }
    return entries;
  }

  #key(field: Field, text: string, name: string): MapKey {
    const json = field.kind === 'bool' && (text === 'true' || text === 'false') ? text === 'true' : text;
    return readScalarJson(field.kind, json, `a key of ${name}`) as MapKey;
  }

  // --- Types with a form of their own

  #wellKnown(message: Message, json: Json, name: string): void {
    switch (message.type.wellKnown) {
      case 'Timestamp':
        return setSeconds(message, readTimestamp(expectText(json, name)));
      case 'Duration':
        return setSeconds(message, readDuration(expectText(json, name)));
      case 'FieldMask':
        return setNumber(message, 1, readFieldMask(expectText(json, name)));
      case 'wrapper':
        return setNumber(message, 1, this.#wrapped(message.type, json, name));
      case 'Any':
        return this.#any(message, expectObject(json, name), name);
      case 'Empty':
        return this.#fields(message, expectObject(json, name));
      default:
        return this.#dynamic(message, json, name);
    }
  }

  #wrapped(type: MessageType, json: Json, name: string): Scalar {
    return readScalarJson((type.fields[0] as Field).kind, json, name);
  }

  #dynamic(message: Message, json: Json, name: string): void {
    const field = message.type.byNumber.get(1) as Field;
    switch (message.type.wellKnown) {
      case 'Struct':
        return setNumber(message, 1, this.#entries(field.map as NonNullable<Field['map']>, expectObject(json, name), name));
      case 'ListValue':
        return setNumber(message, 1, this.#value(field, null, json));
      default:
        return this.#dynamicValue(message, json, name);
    }
  }

  /** `google.protobuf.Value`: the number of its field says the type. */
  #dynamicValue(message: Message, json: Json, name: string): void {
    if (json === null) return setNumber(message, 1, 0);
    if (json instanceof JsonNumber) return setNumber(message, 2, readScalarJson('double', json, name));
    if (typeof json === 'string') return setNumber(message, 3, json);
    if (typeof json === 'boolean') return setNumber(message, 4, json);
    const field = message.type.byNumber.get(json instanceof Map ? 5 : 6) as Field;
    message.set(field, this.message(field.message as MessageType, json, name));
  }

  #any(message: Message, object: JsonObject, name: string): void {
    if (object.size === 0) return;
    const url = object.get(TYPE_KEY);
    if (typeof url !== 'string') throw new ProtobufFault(`${name} has no "@type"`);
    const type = this.#schema.messages.get(url.slice(url.lastIndexOf('/') + 1));
    if (type === undefined)
      throw new ProtobufFault(`${name} has the type ${JSON.stringify(url.slice(0, 128))}, which is not in the descriptors`);
    const inner = this.message(type, hasValueMember(type, object) ? valueOf(object, name) : withoutType(object), name);
    setNumber(message, 1, url);
    setNumber(message, 2, encodeMessage(inner));
  }
}

function withoutType(object: JsonObject): JsonObject {
  const rest = new Map(object);
  rest.delete(TYPE_KEY);
  return rest;
}

/** Whether the message is the member `value`: of types with a form of their own. Not all programs write that of Empty. */
function hasValueMember({ wellKnown }: MessageType, object: JsonObject): boolean {
  return wellKnown !== null && (wellKnown !== 'Empty' || object.has('value'));
}

/** The value of a type with a form of its own. */
function valueOf(object: JsonObject, name: string): Json {
  const value = object.get('value');
  if (value === undefined || object.size > 2) throw new ProtobufFault(`${name} must have "@type" and "value" only`);
  return value;
}

/** Whether null is a value of the field. */
function takesNull({ message, enum: type }: Field): boolean {
  return message?.wellKnown === 'Value' || type?.name === NULL_VALUE;
}

function expectItem(field: Field, json: Json): Json {
  if (json === null && !takesNull(field)) throw new ProtobufFault(`${field.name} has null in the place of a message`);
  return json;
}

function expectObject(json: Json, name: string): JsonObject {
  if (!(json instanceof Map)) throw new ProtobufFault(`${name} must be an object`);
  return json as JsonObject;
}

function expectText(json: Json, name: string): string {
  if (typeof json !== 'string') throw new ProtobufFault(`${name} must be a string`);
  return json;
}

function setSeconds(message: Message, { seconds, nanos }: Seconds): void {
  setNumber(message, 1, seconds);
  setNumber(message, 2, nanos);
}

function setNumber(message: Message, number: number, value: Value): void {
  message.set(message.type.byNumber.get(number) as Field, value);
}

function checkRequired({ type, fields }: Message): void {
  for (const field of type.required) {
    if (!fields.has(field.number)) throw new ProtobufFault(`${type.name} must have the field ${field.name}`);
  }
}
