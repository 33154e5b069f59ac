// Values that fit a schema, for mock answers: its examples, or the simplest value. Equal schemas have equal samples.
import { FORMATS } from './formats.ts';
import type { Fields } from './reading.ts';
import { isObject, type Part, type References } from './references.ts';

/** Objects within each other that have all properties; deeper ones have those that are required. */
const FULL_DEPTH = 4;
const MAX_DEPTH = 12;

/** Values of a sample. */
const MAX_VALUES = 2_000;

/** Elements of a list, and characters that fill a text. */
const MAX_ITEMS = 16;
const MAX_FILL = 1_024;

/** Texts of formats. */
const TEXTS: Readonly<Record<string, string>> = {
  date: '2024-01-01',
  time: '12:00:00Z',
  'date-time': '2024-01-01T12:00:00Z',
  uuid: '00000000-0000-4000-8000-000000000000',
  email: 'user@example.com',
  hostname: 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uri: 'https://example.com/',
  'uri-reference': '/',
  byte: 'c3RyaW5n',
};

/** The sample of a schema. */
export function sampleOf(part: Part, references: References): unknown {
  return new Sampler(references).of(part, 0);
}

class Sampler {
  readonly #references: References;
  #values = 0;

  constructor(references: References) {
    this.#references = references;
  }

  of(part: Part, depth: number): unknown {
    const found = isObject(part.value) && depth < MAX_DEPTH && ++this.#values < MAX_VALUES ? this.#references.objectAt(part) : null;
    if (found === null) return null;
    const { value: schema, path } = found;
    const told = toldBy(schema);
    if (told !== undefined) return told;
    const whole = this.#ofParts(schema, path, depth);
    if (whole !== undefined) return whole;
    return this.#ofType(schema, path, depth);
  }

  /** The sample of a schema that consists of others. */
  #ofParts(schema: Fields, path: Part['path'], depth: number): unknown {
    const { allOf, oneOf, anyOf } = schema;
    const at = (keyword: string, i: number, value: unknown): unknown => this.of({ value, path: [...path, keyword, String(i)] }, depth + 1);
    if (Array.isArray(allOf) && allOf.length > 0) {
      const samples = allOf.map((each: unknown, i) => at('allOf', i, each));
      if (!samples.some(isObject)) return samples[0];
      return Object.assign({}, ...samples.filter(isObject), this.#object(schema, path, depth)) as unknown;
    }
    if (Array.isArray(oneOf) && oneOf.length > 0) return at('oneOf', 0, oneOf[0]);
    if (Array.isArray(anyOf) && anyOf.length > 0) return at('anyOf', 0, anyOf[0]);
    return undefined;
  }

  #ofType(schema: Fields, path: Part['path'], depth: number): unknown {
    const type = typeOf(schema);
    if (type === 'object') return this.#object(schema, path, depth);
    if (type === 'array') return this.#array(schema, path, depth);
    if (type === 'string') return textOf(schema);
    if (type === 'integer' || type === 'number') return numberOf(schema, type === 'integer');
    return type === 'boolean' ? true : null;
  }

  #object({ properties, required }: Fields, path: Part['path'], depth: number): Fields {
    const needed = new Set(Array.isArray(required) ? required.map(String) : []);
    const entries = isObject(properties) ? Object.entries(properties) : [];
    const shown = entries.filter(
      ([name, inner]) => (depth < FULL_DEPTH || needed.has(name)) && !(isObject(inner) && inner['writeOnly'] === true),
    );
    return Object.fromEntries(shown.map(([name, value]) => [name, this.of({ value, path: [...path, 'properties', name] }, depth + 1)]));
  }

  #array({ items, minItems }: Fields, path: Part['path'], depth: number): readonly unknown[] {
    const least = typeof minItems === 'number' ? minItems : 0;
    const length = Math.min(Math.max(least, depth < FULL_DEPTH ? 1 : 0), MAX_ITEMS);
    return Array.from({ length }, () => this.of({ value: items, path: [...path, 'items'] }, depth + 1));
  }
}

/** The value that a schema names itself. */
function toldBy({ example, examples, default: value, const: only, enum: values }: Fields): unknown {
  const first = Array.isArray(examples) ? (examples[0] as unknown) : undefined;
  return example ?? first ?? value ?? only ?? (Array.isArray(values) ? (values[0] as unknown) : undefined);
}

function typeOf({ type, properties, items }: Fields): string {
  const named: unknown = Array.isArray(type) ? (type.find((each) => each !== 'null') ?? 'null') : type;
  if (named !== undefined) return String(named);
  if (isObject(properties)) return 'object';
  return isObject(items) ? 'array' : 'string';
}

function textOf({ format, minLength, maxLength }: Fields): string {
  const known = FORMATS.has(String(format)) ? TEXTS[String(format)] : undefined;
  if (known !== undefined) return known;
  const least = typeof minLength === 'number' ? Math.min(minLength, MAX_FILL) : 0;
  return 'string'.padEnd(least, 'x').slice(0, typeof maxLength === 'number' ? maxLength : undefined);
}

/** The least number that fits, or 0, or the greatest one below it. */
function numberOf(schema: Fields, isInteger: boolean): number {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  const step = typeof multipleOf === 'number' && multipleOf > 0 ? multipleOf : isInteger ? 1 : 0;
  const above = exclusiveMinimum === true ? minimum : exclusiveMinimum;
  if (typeof above === 'number') return step === 0 ? above + 1 : (Math.floor(above / step) + 1) * step;
  if (typeof minimum === 'number') return step === 0 ? minimum : Math.ceil(minimum / step) * step;
  return numberBelow(maximum, exclusiveMaximum === true ? maximum : exclusiveMaximum, step);
}

function numberBelow(maximum: unknown, below: unknown, step: number): number {
  if (typeof below === 'number' && below <= 0) return step === 0 ? below - 1 : (Math.ceil(below / step) - 1) * step;
  if (typeof maximum !== 'number' || maximum >= 0) return 0;
  return step === 0 ? maximum : Math.floor(maximum / step) * step;
}
