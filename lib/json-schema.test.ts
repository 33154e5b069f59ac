import { expect, test } from '@jest/globals';
import { Type } from '#lib/typebox.ts';
import { compiledLater, fits, ownSchemas } from './json-schema.ts';

const Port = Type.Integer({ minimum: 1, maximum: 65535 });

test('a value fits a schema, or does not', () => {
  expect([1, 65535, 0, 65536, 1.5, '1', null].map((value) => fits(Port, value))).toEqual([true, true, false, false, false, false, false]);
});

test('a schema is made at the first call, and once', () => {
  let made = 0;
  const check = compiledLater(ownSchemas(), () => {
    made++;
    return Port;
  });
  expect(made).toBe(0);
  expect([check()(80), check()(0)]).toEqual([true, false]);
  expect(check().errors).toMatchObject([{ keyword: 'minimum' }]);
  expect(made).toBe(1);
});

test('options of ajv are kept: defaults are written, and all errors are told', () => {
  const schema = Type.Object({ a: Type.String({ default: 'x' }), b: Port, c: Port });
  const check = compiledLater(ownSchemas({ useDefaults: true, allErrors: true }), () => schema)();
  const value = { b: 0, c: 0 };
  expect(check(value)).toBe(false);
  expect(value).toEqual({ a: 'x', b: 0, c: 0 });
  expect(check.errors).toHaveLength(2);
});
