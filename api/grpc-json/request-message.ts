// The message of a request: its body, its query and its path, in this order.
import { ProtobufFault } from '#lib/protobuf/fault.ts';
import { addText, fieldOfJson, messageOfJson, type JsonReading } from '#lib/protobuf/json-reader.ts';
import { Message } from '#lib/protobuf/message.ts';
import type { Field } from '#lib/protobuf/types.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { FoundBinding } from './binding-table.ts';
import type { BoundVariable } from './binding.ts';
import { textOfVariable } from './path-pattern.ts';

/** Fields on the way to the value of a parameter. */
const MAX_FIELDS = 32;

/** The fields of a request outside of its body, for each of its messages. */
export class RequestFields {
  readonly #found: FoundBinding;
  readonly #query: string;
  readonly #reading: JsonReading;

  /** `query`: without '?'. */
  constructor(found: FoundBinding, query: string, reading: JsonReading) {
    this.#found = found;
    this.#query = query;
    this.#reading = reading;
  }

  /** The message with this JSON as its body; '' for none. The error says what is wrong with the request. */
  messageOf(body: string): Result<Message> {
    const { binding } = this.#found;
    if (body === '' || binding.body === null) return this.complete(new Message(binding.method.input));
    const read =
      binding.body === '*'
        ? messageOfJson(binding.method.input, body, this.#reading)
        : fieldOfJson(new Message(binding.method.input), binding.body, body, this.#reading);
    return read.ok ? this.complete(read.value) : read;
  }

  /** Adds the fields to a message that has its body. */
  complete(message: Message): Result<Message> {
    try {
      this.#addQuery(message);
      for (const each of this.#found.binding.variables) this.#addVariable(message, each);
      return ok(message);
    } catch (fault) {
      if (fault instanceof ProtobufFault) return err(fault.message);
      throw fault;
    }
  }

  #addQuery(message: Message): void {
    if (this.#query === '') return;
    for (const parameter of this.#query.split('&')) {
      const [name = '', value = ''] = splitOnce(parameter).map(decoded);
      if (parameter !== '') this.#addParameter(message, name, value);
    }
  }

  #addParameter(message: Message, name: string, value: string): void {
    const path = name.split('.');
    const fields = this.#fieldsOf(message, path);
    if (fields !== null) this.#set(message, fields, value, name);
    else if (!this.#reading.ignoreUnknown) throw new ProtobufFault(`the query has the parameter ${quoted(name)}, which is no field`);
  }

  /** Null: there is no such field, or it is not one of the query. */
  #fieldsOf({ type }: Message, path: readonly string[]): readonly Field[] | null {
    const { body } = this.#found.binding;
    if (body === '*' || path.length > MAX_FIELDS) return null;
    const fields: Field[] = [];
    let inner: Message['type'] | null = type;
    for (const name of path) {
      const field: Field | undefined = inner?.byName.get(name);
      if (field === undefined || field.map !== null || field === body) return null;
      fields.push(field);
      inner = field.isList ? null : field.message;
    }
    return fields;
  }

  #addVariable(message: Message, { variable, fields }: BoundVariable): void {
    const { binding, segments } = this.#found;
    const text = textOfVariable(binding.pattern, variable, segments);
    if (text === null) throw new ProtobufFault(`the path has an invalid encoding`);
    this.#set(message, fields, text, variable.field);
  }

  #set(message: Message, fields: readonly Field[], text: string, name: string): void {
    let inner = message;
    for (const field of fields.slice(0, -1)) inner = innerOf(inner, field);
    const last = fields.at(-1) as Field;
    const { oneof } = last;
    if (oneof?.fields.some((other) => other !== last && inner.fields.has(other.number)) === true)
      throw new ProtobufFault(`${quoted(name)} is a second value of the oneof ${oneof.name}`);
    addText(inner, last, text, this.#reading);
  }
}

/** The message in a field, which may be new. */
function innerOf(message: Message, field: Field): Message {
  const known = message.get(field);
  if (known instanceof Message) return known;
  const inner = new Message(field.message as Message['type']);
  message.set(field, inner);
  return inner;
}

function splitOnce(parameter: string): readonly [string, string] {
  const equals = parameter.indexOf('=');
  return equals < 0 ? [parameter, ''] : [parameter.slice(0, equals), parameter.slice(equals + 1)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new ProtobufFault('the query has an invalid encoding');
  }
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 64));
}
