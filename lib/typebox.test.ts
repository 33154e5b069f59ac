// The schemas are those that typebox makes.
import { describe, expect, test } from '@jest/globals';
import { Type as Typebox } from 'typebox';
import { Type } from './typebox.ts';

/** A schema from each of the functions; both are passed here. */
const SCHEMAS: Readonly<Record<string, (type: typeof Type) => object>> = {
  Array: (type) => type.Array(type.String(), { maxItems: 3 }),
  Boolean: (type) => type.Boolean({ default: true }),
  Enum: (type) => type.Enum(['a', 'b'], { description: 'letters' }),
  Integer: (type) => type.Integer({ minimum: 1 }),
  'Literal of a text': (type) => type.Literal('a'),
  'Literal of a number': (type) => type.Literal(1, { description: 'one' }),
  'Literal of a boolean': (type) => type.Literal(true),
  Null: (type) => type.Null(),
  Number: (type) => type.Number({ exclusiveMinimum: 0 }),
  'Object without properties': (type) => type.Object({}),
  'Object with required and optional properties': (type) =>
    type.Object({ a: type.String(), b: type.Optional(type.String({ maxLength: 2 })) }, { additionalProperties: false }),
  'Object of which all is optional': (type) => type.Object({ a: type.Optional(type.Null()) }),
  'Optional in Array': (type) => type.Array(type.Optional(type.String())),
  'a copy of Optional, which is not optional': (type) => type.Object({ a: { ...type.Optional(type.String()) } }),
  'the original of Optional, which is not optional': (type) => {
    const name = type.String();
    type.Optional(name);
    return type.Object({ name });
  },
  Record: (type) => type.Record(type.String(), type.Integer(), { default: {} }),
  Required: (type) => type.Required(type.Object({ a: type.Optional(type.String({ maxLength: 2 })), b: type.Null() }, { description: 'c' })),
  'String with a pattern': (type) => type.String({ pattern: '^a$', minLength: 1 }),
  Union: (type) => type.Union([type.Null(), type.Literal('a')], { default: null }),
  Unknown: (type) => type.Unknown({ description: 'anything' }),
  'Unsafe of a schema': (type) => type.Unsafe<'a'>({ type: 'string', pattern: 'a' }),
  'Unsafe of Optional': (type) => type.Object({ a: type.Unsafe<'a'>(type.Optional(type.String())) }),
};

describe('the schema of typebox', () => {
  test.each(Object.entries(SCHEMAS))('%s', (_name, make) => {
    // As text: the order of the keywords counts in what is generated from them.
    expect(JSON.stringify(make(Type))).toBe(JSON.stringify(make(Typebox)));
  });

  test('each function has a case', () => {
    expect(Object.keys(Type).filter((name) => !Object.keys(SCHEMAS).some((each) => each.split(' ')[0] === name))).toEqual([]);
  });
});
