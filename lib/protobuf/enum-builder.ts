// The type of an `EnumDescriptorProto`.
import { ProtobufFault } from './fault.ts';
import type { RawFields } from './raw-fields.ts';
import { qualified } from './type-names.ts';
import type { EnumType } from './types.ts';

const ENUM = { name: 1, values: 2 };
const VALUE = { name: 1, number: 2 };

export class EnumBuilder implements EnumType {
  readonly name: string;
  readonly byName = new Map<string, number>();
  readonly byNumber = new Map<number, string>();

  constructor(raw: RawFields, scope: string) {
    this.name = qualified(scope, raw.text(ENUM.name));
    for (const value of raw.messages(ENUM.values)) this.#add(value.text(VALUE.name), value.number(VALUE.number));
    if (this.byName.size === 0) throw new ProtobufFault(`${this.name} has no values`);
  }

  #add(name: string, number: number): void {
    if (this.byName.has(name)) throw new ProtobufFault(`${this.name} has two values ${name}`);
    this.byName.set(name, number);
    if (!this.byNumber.has(number)) this.byNumber.set(number, name);
  }
}
