// The types that a schema permits, to read texts of parameters and forms as numbers, booleans, lists and objects.
import type { Fields } from './reading.ts';
import { isObject, type Part, type References } from './references.ts';

/** What a value may be. */
export interface Shape {
  readonly types: ReadonlySet<string>;
  readonly items: Part | null;
  readonly properties: ReadonlyMap<string, Part>;
  /** The schema of other members. */
  readonly others: Part | null;
}

/** Schemas within each other whose types count. */
const MAX_DEPTH = 8;

/** The shape of a schema, also of all that it consists of. */
export function shapeOf(schema: Part | null, references: References): Shape {
  const types = new Set<string>();
  const properties = new Map<string, Part>();
  let [items, others]: [Part | null, Part | null] = [null, null];
  const visit = (part: Part, depth: number): void => {
    const found = depth < MAX_DEPTH && isObject(part.value) ? references.objectAt(part) : null;
    if (found === null) return;
    const { value, path } = found;
    for (const type of typesOf(value)) types.add(type);
    for (const [name, inner] of entriesOf(value['properties'])) properties.set(name, { value: inner, path: [...path, 'properties', name] });
    if (isObject(value['items'])) items = { value: value['items'], path: [...path, 'items'] };
    if (isObject(value['additionalProperties'])) others = { value: value['additionalProperties'], path: [...path, 'additionalProperties'] };
    for (const keyword of ['allOf', 'anyOf', 'oneOf']) {
      const parts = value[keyword];
      if (Array.isArray(parts))
        parts.forEach((inner: unknown, i) => visit({ value: inner, path: [...path, keyword, String(i)] }, depth + 1));
    }
  };
  if (schema !== null) visit(schema, 0);
  return { types, items, properties, others };
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return isObject(value) ? Object.entries(value) : [];
}

function typesOf(schema: Fields): readonly string[] {
  const { type, nullable, properties, items, enum: values, const: only } = schema;
  const named = Array.isArray(type) ? type.map(String) : type === undefined ? [] : [String(type)];
  const told = named.length > 0 ? named : [...(isObject(properties) ? ['object'] : []), ...(isObject(items) ? ['array'] : [])];
  const listed = told.length > 0 ? told : [...(Array.isArray(values) ? values : []), ...(only === undefined ? [] : [only])].map(typeOf);
  return nullable === true ? [...listed, 'null'] : listed;
}

function typeOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
}

/** Characters of a number. */
const MAX_NUMBER = 400;

/** Texts for null. */
const NOTHING = new Set(['', 'null']);

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/** A text as the first of its types that can have it; otherwise the text. */
export function scalarOf(text: string, { types }: Shape): unknown {
  if (isNumber(types) && text.length < MAX_NUMBER && NUMBER.test(text)) return Number(text);
  if (types.has('boolean') && (text === 'true' || text === 'false')) return text === 'true';
  return types.has('null') && !types.has('string') && NOTHING.has(text) ? null : text;
}

function isNumber(types: ReadonlySet<string>): boolean {
  return types.has('integer') || types.has('number');
}
