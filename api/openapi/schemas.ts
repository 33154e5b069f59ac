// Schemas of a document, translated for the validator: JSON Schema 2020-12 with the keywords that it checks and no others, references as
// schemas of their own, and a count of every step. OpenAPI 3.0 differs in `nullable`, in bounds that exclude, and in references with siblings.
import type { DocumentPath, Faults } from './faults.ts';
import { pointerOf } from './faults.ts';
import { FORMATS, NUMBER_FORMATS } from './formats.ts';
import { compilePattern } from './pattern.ts';
import type { Fields } from './reading.ts';
import type { Part, References } from './references.ts';
import { isObject } from './references.ts';

/** Requests have no properties that are only read, answers none that are only written. */
export type Direction = 'request' | 'answer';

/** A translated schema: its name, and its place in the document. */
export interface Translated {
  readonly id: string;
  readonly path: DocumentPath;
  readonly schema: Fields | boolean;
  /** The names of schemas that it refers to. */
  readonly needs: ReadonlySet<string>;
}

/** The keyword that counts steps (validator.ts). */
export const STEP = 'step';

/** Schemas of a document. */
const MAX_SCHEMAS = 50_000;

const VALUES = new Set([
  ...['type', 'enum', 'const', 'multipleOf', 'maximum', 'exclusiveMaximum', 'minimum', 'exclusiveMinimum', 'maxLength', 'minLength'],
  ...['maxItems', 'minItems', 'uniqueItems', 'maxContains', 'minContains', 'maxProperties', 'minProperties', 'dependentRequired'],
]);
const SCHEMA = new Set([
  ...['items', 'contains', 'additionalProperties', 'propertyNames', 'if', 'then', 'else', 'not', 'unevaluatedItems'],
  'unevaluatedProperties',
]);
const SCHEMA_LIST = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems']);
const SCHEMA_MAP = new Set(['properties', 'patternProperties', 'dependentSchemas']);

/** Keywords that change what other schemas mean: they cannot be left out without an effect. */
const REFUSED = new Set(['$id', '$anchor', '$dynamicRef', '$dynamicAnchor', '$recursiveRef', '$recursiveAnchor', 'id']);

export class Schemas {
  readonly #references: References;
  readonly #faults: Faults;
  readonly #isOld: boolean;
  readonly #byId = new Map<string, Translated>();
  /** Of the schema in work. */
  #needs = new Set<string>();
  #count = 0;

  /** `isOld`: a document of OpenAPI 3.0. */
  constructor(references: References, faults: Faults, isOld: boolean) {
    this.#references = references;
    this.#faults = faults;
    this.#isOld = isOld;
  }

  /** The schema at a place, and all that it refers to, the schema first. */
  translate(part: Part, direction: Direction): readonly Translated[] {
    const first = this.#named(part, direction);
    const all = new Map([[first, this.#byId.get(first) as Translated]]);
    // A map yields what is added while it is read.
    for (const { needs } of all.values()) for (const id of needs) all.set(id, this.#byId.get(id) as Translated);
    return [...all.values()];
  }

  /** The name of a translated schema. */
  #named(part: Part, direction: Direction): string {
    const id = `${direction}:${encodeURIComponent(pointerOf(part.path))}`;
    if (this.#byId.has(id)) return id;
    const outer = this.#needs;
    const needs = (this.#needs = new Set<string>());
    // Known before its parts: it may refer to itself.
    this.#byId.set(id, { id, path: part.path, schema: true, needs });
    this.#byId.set(id, { id, path: part.path, schema: this.#translated(part, direction), needs });
    this.#needs = outer;
    return id;
  }

  #translated({ value, path }: Part, direction: Direction): Fields | boolean {
    if (typeof value === 'boolean') return value;
    if (!isObject(value)) return this.#fault(path, 'must be a schema: an object, true or false');
    if (++this.#count > MAX_SCHEMAS) return this.#fault(path, `is beyond the ${MAX_SCHEMAS} schemas of a document`);
    const reference = value['$ref'] === undefined ? null : this.#reference(value['$ref'], [...path, '$ref'], direction);
    if (reference !== null && this.#isOld) return { ...reference, [STEP]: true };
    const entries = Object.entries(value).flatMap(([name, inner]) =>
      this.#keyword(name, { value: inner, path: [...path, name] }, direction),
    );
    const schema = Object.fromEntries([...entries, ...this.#required(value, path, direction)]);
    return { ...(this.#isOld ? modern(value, schema) : schema), ...reference, [STEP]: true };
  }

  #reference(reference: unknown, at: DocumentPath, direction: Direction): Fields | null {
    const target = this.#references.target(reference, at);
    if (target === null) return null;
    const id = this.#named(target, direction);
    this.#needs.add(id);
    return { $ref: id };
  }

  #keyword(name: string, part: Part, direction: Direction): readonly (readonly [string, unknown])[] {
    const { value, path } = part;
    if (VALUES.has(name)) return [[name, value]];
    if (SCHEMA.has(name)) return [[name, this.#translated(part, direction)]];
    if (SCHEMA_LIST.has(name)) return [[name, this.#list(part, direction)]];
    if (SCHEMA_MAP.has(name)) return [[name, this.#map(part, direction, name === 'patternProperties')]];
    if (name === 'pattern') return this.#isPattern(value, path) ? [[name, value]] : [];
    if (name === 'format') return isChecked(String(value)) ? [[name, value]] : [];
    if (REFUSED.has(name)) this.#faults.add(path, 'is not supported; refer to schemas by $ref with a JSON pointer');
    return [];
  }

  #list({ value, path }: Part, direction: Direction): unknown {
    if (!Array.isArray(value)) return value;
    return value.map((inner: unknown, i) => this.#translated({ value: inner, path: [...path, String(i)] }, direction));
  }

  #map({ value, path }: Part, direction: Direction, arePatterns: boolean): unknown {
    if (!isObject(value)) return value;
    const entries = Object.entries(value).filter(([name]) => !arePatterns || this.#isPattern(name, [...path, name]));
    return Object.fromEntries(entries.map(([name, inner]) => [name, this.#translated({ value: inner, path: [...path, name] }, direction)]));
  }

  #isPattern(pattern: unknown, path: DocumentPath): boolean {
    if (typeof pattern !== 'string') return this.#fault(path, 'must be a text');
    const compiled = compilePattern(pattern);
    return compiled.ok || this.#fault(path, compiled.error);
  }

  /** Without the properties that this direction does not have. */
  #required(value: Fields, path: DocumentPath, direction: Direction): readonly (readonly [string, unknown])[] {
    const { required, properties } = value;
    if (!Array.isArray(required)) return required === undefined || typeof required === 'boolean' ? [] : [['required', required]];
    const keyword = direction === 'request' ? 'readOnly' : 'writeOnly';
    const lacks = (name: unknown): boolean => {
      const inner = isObject(properties) && Object.hasOwn(properties, String(name)) ? properties[String(name)] : null;
      const found = isObject(inner) ? this.#references.objectAt({ value: inner, path: [...path, 'properties', String(name)] }) : null;
      return found?.value[keyword] === true;
    };
    return [['required', required.filter((name) => !lacks(name))]];
  }

  /** Nothing has the schema of a fault. */
  #fault(path: DocumentPath, reason: string): false {
    this.#faults.add(path, reason);
    return false;
  }
}

function isChecked(format: string): boolean {
  return FORMATS.has(format) || NUMBER_FORMATS.has(format);
}

/** The meaning of OpenAPI 3.0 in the words of JSON Schema 2020-12. */
function modern(old: Fields, schema: Fields): Fields {
  const { exclusiveMinimum, exclusiveMaximum, minimum, maximum, type, ...rest } = schema;
  return {
    ...rest,
    ...bound('minimum', 'exclusiveMinimum', minimum, exclusiveMinimum),
    ...bound('maximum', 'exclusiveMaximum', maximum, exclusiveMaximum),
    ...(type === undefined ? {} : { type: old['nullable'] === true && typeof type === 'string' ? [type, 'null'] : type }),
  };
}

function bound(name: string, exclusive: string, value: unknown, excludes: unknown): Fields {
  if (value === undefined) return {};
  return { [excludes === true ? exclusive : name]: value };
}
