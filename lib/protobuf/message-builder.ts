// The type of a `DescriptorProto`.
import { ProtobufFault } from './fault.ts';
import type { Features } from './features.ts';
import { FieldBuilder } from './field-builder.ts';
import type { DeclaredTypes } from './field-builder.ts';
import type { RawFields } from './raw-fields.ts';
import type { Field, MessageType, WellKnown } from './types.ts';
import { wellKnownOf } from './well-known-types.ts';

const MESSAGE = { fields: 2, options: 7, oneofs: 8 };
const MAP_ENTRY = 7;
const ONEOF_NAME = 1;

/** A oneof whose fields come one after the other. */
export interface OneofBuilder {
  readonly name: string;
  readonly fields: Field[];
}

export class MessageBuilder implements MessageType {
  readonly name: string;
  readonly byNumber = new Map<number, Field>();
  readonly byName = new Map<string, Field>();
  readonly wellKnown: WellKnown | null;
  fields: readonly Field[] = [];
  required: readonly Field[] = [];
  /** It is the entry of a map field. */
  readonly isEntry: boolean;
  readonly #raw: RawFields;
  readonly #features: Features;

  constructor(name: string, raw: RawFields, features: Features) {
    this.name = name;
    this.wellKnown = wellKnownOf(name);
    this.isEntry = raw.message(MESSAGE.options).flag(MAP_ENTRY);
    this.#raw = raw;
    this.#features = features;
  }

  addFields(types: DeclaredTypes): void {
    const oneofs = this.#raw.messages(MESSAGE.oneofs).map((each): OneofBuilder => ({ name: each.text(ONEOF_NAME), fields: [] }));
    const scope = { name: this.name, features: this.#features };
    const fields: Field[] = [];
    for (const raw of this.#raw.messages(MESSAGE.fields)) {
      const field = new FieldBuilder(raw, scope, types).member(oneofs);
      this.#add(field);
      fields.push(field);
    }
    this.fields = fields.sort((a, b) => a.number - b.number);
    this.required = fields.filter(({ isRequired }) => isRequired);
  }

  addExtension(field: Field): void {
    this.#add(field);
  }

  #add(field: Field): void {
    if (this.byNumber.has(field.number)) throw new ProtobufFault(`${this.name} has two fields with the number ${field.number}`);
    if (this.byName.has(field.name)) throw new ProtobufFault(`${this.name} has two fields ${field.name}`);
    this.byNumber.set(field.number, field);
    this.byName.set(field.name, field);
  }

  /** Adds the names in JSON; the names of other fields have priority. */
  finish(): void {
    for (const field of this.byNumber.values()) {
      if (!this.byName.has(field.jsonName)) this.byName.set(field.jsonName, field);
    }
  }

  /** The fields of a map whose entries it is. */
  entryFields(): { readonly key: RawFields; readonly value: RawFields } {
    const [key, value] = [...this.#raw.messages(MESSAGE.fields)].sort((a, b) => a.number(3) - b.number(3));
    if (key === undefined || value === undefined) throw new ProtobufFault(`${this.name} is no entry of a map`);
    return { key, value };
  }

  get features(): Features {
    return this.#features;
  }
}
