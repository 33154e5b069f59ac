// The part of typebox that Weir uses. The types are those of typebox. The functions are our own: typebox is 370 files, which took a tenth of
// the time of each start, and Weir needs the plain JSON Schemas of 15 functions.
import type { Type as Typebox } from 'typebox';

export type { Static, TObject, TOptional, TProperties, TSchema } from 'typebox';

type Schema = Readonly<Record<string, unknown>>;

/** Not enumerable, so that it is no keyword of the schema and a copy is not optional. */
const OPTIONAL = '~optional';

const isOptional = (schema: object) => Object.hasOwn(schema, OPTIONAL);

const scalar =
  (type: string) =>
  (options: Schema = {}) => ({ type, ...options });

/** A copy with all properties, also those that are not enumerable, besides the one that makes it optional. */
function required(schema: object): object {
  const { [OPTIONAL]: _, ...kept } = Object.getOwnPropertyDescriptors(schema) as Record<string, PropertyDescriptor>;
  return Object.defineProperties({}, kept);
}

function object(properties: Readonly<Record<string, object>>, options: Schema = {}): object {
  const names = Object.keys(properties).filter((name) => !isOptional(properties[name] ?? {}));
  return { type: 'object', ...(names.length > 0 ? { required: names } : {}), properties, ...options };
}

/** An object with the same properties, none of them optional. */
function allRequired({ properties }: { readonly properties: Readonly<Record<string, object>> }): object {
  return object(Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, required(schema)])));
}

const functions = {
  Array: (items: object, options: Schema = {}) => ({ type: 'array', items, ...options }),
  Boolean: scalar('boolean'),
  Enum: (values: readonly unknown[], options: Schema = {}) => ({ enum: values, ...options }),
  Integer: scalar('integer'),
  Literal: (value: unknown, options: Schema = {}) => ({ type: typeof value, const: value, ...options }),
  Null: scalar('null'),
  Number: scalar('number'),
  Object: object,
  Optional: (schema: object) => Object.defineProperty(required(schema), OPTIONAL, { value: true, configurable: true, writable: true }),
  /** All keys are texts. */
  Record: (_: object, value: object, options: Schema = {}) => ({ type: 'object', patternProperties: { '^.*$': value }, ...options }),
  Required: allRequired,
  String: scalar('string'),
  Union: (anyOf: readonly object[], options: Schema = {}) => ({ anyOf, ...options }),
  Unknown: (options: Schema = {}) => ({ ...options }),
  /** For the type only. */
  Unsafe: (schema: object) => schema,
};

/** Makes schemas; see typebox. */
export const Type = functions as unknown as Pick<typeof Typebox, keyof typeof functions>;
