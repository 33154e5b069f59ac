// The type of a `FieldDescriptorProto`.
import type { EnumBuilder } from './enum-builder.ts';
import { ProtobufFault } from './fault.ts';
import { withFeatures } from './features.ts';
import type { Features } from './features.ts';
import type { MessageBuilder, OneofBuilder } from './message-builder.ts';
import type { RawFields } from './raw-fields.ts';
import { jsonNameOf, qualified, resolved } from './type-names.ts';
import type { Field, FieldKind } from './types.ts';

const FIELD = {
  name: 1,
  extendee: 2,
  number: 3,
  label: 4,
  type: 5,
  typeName: 6,
  options: 8,
  oneof: 9,
  jsonName: 10,
  isOptional: 17,
};
const LABEL = { required: 2, repeated: 3 };
const OPTIONS = { packed: 2, features: 21 };
const MAX_NUMBER = 0x1fff_ffff;
const MAP_KEY = 1;
const MAP_VALUE = 2;

/** By `FieldDescriptorProto.Type`. */
const KINDS: readonly (FieldKind | undefined)[] = [
  undefined,
  'double',
  'float',
  'int64',
  'uint64',
  'int32',
  'fixed64',
  'fixed32',
  'bool',
  'string',
  'group',
  'message',
  'bytes',
  'uint32',
  'enum',
  'sfixed32',
  'sfixed64',
  'sint32',
  'sint64',
];
const UNPACKED: readonly FieldKind[] = ['string', 'bytes', 'message', 'group'];
const NO_KEYS: readonly FieldKind[] = ['double', 'float', 'bytes', 'message', 'group', 'enum'];

/** All types by name, some still without fields. */
export interface DeclaredTypes {
  readonly messages: ReadonlyMap<string, MessageBuilder>;
  readonly enums: ReadonlyMap<string, EnumBuilder>;
}

/** The package or the message around a field. */
export interface FieldScope {
  readonly name: string;
  readonly features: Features;
}

export class FieldBuilder {
  readonly #raw: RawFields;
  readonly #types: DeclaredTypes;
  readonly #features: Features;
  readonly #fullName: string;

  constructor(raw: RawFields, scope: FieldScope, types: DeclaredTypes) {
    this.#raw = raw;
    this.#types = types;
    this.#features = withFeatures(scope.features, raw.message(FIELD.options), OPTIONS.features);
    this.#fullName = qualified(scope.name, raw.text(FIELD.name));
  }

  /** The message that an extension extends. */
  extendee(): MessageBuilder {
    return this.#resolved(this.#types.messages, FIELD.extendee);
  }

  extension(): Field {
    const name = `[${this.#fullName}]`;
    return this.#field(name, name, null);
  }

  /** The field of a message, which has these oneofs. */
  member(oneofs: readonly OneofBuilder[]): Field {
    const name = this.#raw.text(FIELD.name);
    const oneof = this.#oneof(oneofs);
    const field = this.#field(name, this.#raw.text(FIELD.jsonName) || jsonNameOf(name), oneof);
    oneof?.fields.push(field);
    return field;
  }

  /** Null without one; that of an `optional` field is not in the file. */
  #oneof(oneofs: readonly OneofBuilder[]): OneofBuilder | null {
    if (!this.#raw.has(FIELD.oneof) || this.#raw.flag(FIELD.isOptional)) return null;
    const oneof = oneofs[this.#raw.number(FIELD.oneof)];
    if (oneof === undefined) throw new ProtobufFault(`${this.#fullName} is in a oneof that does not exist`);
    return oneof;
  }

  #field(name: string, jsonName: string, oneof: OneofBuilder | null): Field {
    const isRepeated = this.#raw.number(FIELD.label) === LABEL.repeated;
    const types = this.#typesOf(this.#kind(), isRepeated);
    return {
      name,
      jsonName,
      number: this.#number(),
      ...types,
      isList: isRepeated && types.map === null,
      isPacked: isRepeated && !UNPACKED.includes(types.kind) && this.#isPacked(),
      hasPresence: !isRepeated && (types.message !== null || oneof !== null || this.#isExplicit()),
      isRequired: !isRepeated && oneof === null && this.#isRequired(),
      oneof,
    };
  }

  #typesOf(kind: FieldKind, isRepeated: boolean): Pick<Field, 'kind' | 'map' | 'message' | 'enum'> {
    if (kind === 'enum') return { kind, map: null, message: null, enum: this.#resolved(this.#types.enums, FIELD.typeName) };
    if (kind !== 'message' && kind !== 'group') return { kind, map: null, message: null, enum: null };
    const message = this.#resolved(this.#types.messages, FIELD.typeName);
    if (!isRepeated || !message.isEntry) return { kind, map: null, message, enum: null };
    return { kind: 'message', map: this.#map(message), message, enum: null };
  }

  #kind(): FieldKind {
    const kind = KINDS[this.#raw.number(FIELD.type)];
    if (kind === undefined) throw new ProtobufFault(`${this.#fullName} has an unknown type`);
    return kind === 'message' && this.#features.isDelimited ? 'group' : kind;
  }

  #number(): number {
    const number = this.#raw.number(FIELD.number);
    if (number < 1 || number > MAX_NUMBER) throw new ProtobufFault(`${this.#fullName} has the invalid number ${number}`);
    return number;
  }

  #isPacked(): boolean {
    const options = this.#raw.message(FIELD.options);
    return options.has(OPTIONS.packed) ? options.flag(OPTIONS.packed) : this.#features.isPacked;
  }

  #isExplicit(): boolean {
    return this.#features.presence !== 'implicit' || this.#raw.flag(FIELD.isOptional) || this.#raw.has(FIELD.extendee);
  }

  #isRequired(): boolean {
    return this.#raw.number(FIELD.label) === LABEL.required || this.#features.presence === 'required';
  }

  #map(entry: MessageBuilder): NonNullable<Field['map']> {
    const raw = entry.entryFields();
    // Also ends the recursion of an entry that has itself as value.
    if (raw.value.number(FIELD.label) === LABEL.repeated) throw new ProtobufFault(`${entry.name} is no entry of a map`);
    const scope = { name: entry.name, features: entry.features };
    const key = new FieldBuilder(raw.key, scope, this.#types).member([]);
    const value = new FieldBuilder(raw.value, scope, this.#types).member([]);
    const isMap = key.number === MAP_KEY && value.number === MAP_VALUE && !key.isList && !NO_KEYS.includes(key.kind);
    if (!isMap) throw new ProtobufFault(`${entry.name} is no entry of a map`);
    // Entries of maps have lengths before them, and so have their messages.
    return { key, value: value.kind === 'group' ? { ...value, kind: 'message' } : value };
  }

  #resolved<T>(types: ReadonlyMap<string, T>, field: number): T {
    try {
      return resolved(types, this.#raw.text(field));
    } catch (fault) {
      throw fault instanceof ProtobufFault ? new ProtobufFault(`${this.#fullName}: ${fault.message}`) : fault;
    }
  }
}
