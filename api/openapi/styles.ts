// The values of parameters, read from texts by their style (RFC 6570, as OpenAPI uses it).
import { err, ok, type Result } from '#lib/result.ts';
import type { Parameter } from './parameter.ts';
import type { Part, References } from './references.ts';
import { scalarOf, shapeOf, type Shape } from './shapes.ts';

/** Names and values in order: of a query, of cookies or of a form. */
export type Pairs = readonly (readonly [string, string])[];

/** Elements of a list, and members of an object, in a parameter. */
const MAX_PARTS = 1_000;

/** The value of a parameter; undefined: it is not given. */
export type Read = Result<unknown>;

const ABSENT: Read = ok(undefined);

/** Reads the values of one parameter. */
export class ParameterReader {
  readonly #parameter: Parameter;
  readonly #references: References;
  readonly #shape: Shape;

  constructor(parameter: Parameter, references: References) {
    this.#parameter = parameter;
    this.#references = references;
    this.#shape = shapeOf(parameter.schema, references);
  }

  /** The value in a text of its own: a path variable or a header; null: there is none. */
  ofText(text: string | null, isEncoded: boolean): Read {
    if (text === null) return ABSENT;
    const { style, isJson, name } = this.#parameter;
    if (isJson) return jsonOf(isEncoded ? this.#decoded(text) : text);
    if (style === 'label')
      return text.startsWith('.') ? this.#parts(text.slice(1), this.#parameter.explode ? '.' : ',', isEncoded) : err('must begin with "."');
    if (style === 'matrix') return this.#matrix(text, name, isEncoded);
    return this.#parts(text, ',', isEncoded);
  }

  #matrix(text: string, name: string, isEncoded: boolean): Read {
    const pairs = text.split(';').slice(1).map(pairOf);
    if (!text.startsWith(';')) return err('must begin with ";"');
    if (this.#parameter.explode && this.#isObject()) return this.#members(pairs, isEncoded);
    const own = pairs.filter(([given]) => given === name).map(([, value]) => value);
    if (own.length !== pairs.length || own.length === 0) return err(`must be written as ;${name}=`);
    return this.#parameter.explode && this.#isList() ? this.#list(own, isEncoded) : this.#parts(own.join(), ',', isEncoded);
  }

  #parts(text: string, separator: string, isEncoded: boolean): Read {
    if (this.#isList()) return this.#list(this.#split(text, separator), isEncoded);
    if (!this.#isObject()) return this.#scalar(text, isEncoded);
    const parts = this.#split(text, separator);
    if (this.#parameter.explode) return this.#members(parts.map(pairOf), isEncoded);
    if (parts.length % 2 === 1) return err('must be names and values in turn');
    return this.#members(
      parts.flatMap((part, i) => (i % 2 === 0 ? [[part, parts[i + 1] as string] as const] : [])),
      isEncoded,
    );
  }

  /** The value among pairs: of a query or of cookies. Names are decoded, values are not. */
  ofPairs(pairs: Pairs): Read {
    const { name, style, explode, isJson } = this.#parameter;
    if (style === 'deepObject') return this.#deep(pairs);
    const isDivided = explode && !isJson;
    if (isDivided && this.#isObject()) return this.#spread(pairs);
    const own = pairs.filter(([given]) => given === name || given === `${name}[]`).map(([, value]) => value);
    return isDivided && this.#isList() && own.length > 0 ? this.#list(own, true) : this.#single(own);
  }

  #single(own: readonly string[]): Read {
    const [text] = own;
    if (text === undefined) return ABSENT;
    const { style, isJson } = this.#parameter;
    if (own.length > 1) return err('is given more than once');
    if (isJson) return jsonOf(this.#decoded(text));
    return this.#parts(...separated(text, style), true);
  }

  /** The members of an object as parameters of their own. */
  #spread(pairs: Pairs): Read {
    const { properties } = this.#shape;
    const own = pairs.filter(([name]) => properties.has(name));
    return own.length === 0 ? ABSENT : this.#members(own, true);
  }

  /** `name[member]=value`. */
  #deep(pairs: Pairs): Read {
    const { name } = this.#parameter;
    const own = pairs.filter(([given]) => given.startsWith(`${name}[`) && given.endsWith(']'));
    return own.length === 0
      ? ABSENT
      : this.#members(
          own.map(([given, value]) => [given.slice(name.length + 1, -1), value] as const),
          true,
        );
  }

  /** Headers have spaces beside commas. */
  #split(text: string, separator: string): readonly string[] {
    const parts = text === '' ? [] : text.split(separator);
    return this.#parameter.in === 'header' ? parts.map((part) => part.trim()) : parts;
  }

  #decoded(text: string): string | null {
    return decodeText(text, this.#parameter.in === 'query');
  }

  #isList(): boolean {
    return this.#shape.types.has('array');
  }

  #isObject(): boolean {
    return this.#shape.types.has('object');
  }

  #scalar(text: string, isEncoded: boolean): Read {
    const plain = isEncoded ? this.#decoded(text) : text;
    return plain === null ? NOT_DECODED : ok(scalarOf(plain, this.#shape));
  }

  #list(texts: readonly string[], isEncoded: boolean): Read {
    if (texts.length > MAX_PARTS) return TOO_MANY;
    const shape = shapeOf(this.#shape.items, this.#references);
    const plain = texts.map((text) => (isEncoded ? this.#decoded(text) : text));
    return plain.includes(null) ? NOT_DECODED : ok(plain.map((text) => scalarOf(text as string, shape)));
  }

  /** A member that is a list may be given several times. */
  #members(pairs: Pairs, isEncoded: boolean): Read {
    if (pairs.length > MAX_PARTS) return TOO_MANY;
    const plain = pairs.map(([name, value]) => [name, isEncoded ? this.#decoded(value) : value] as const);
    return objectOf(plain, (name) => this.#shape.properties.get(name) ?? this.#shape.others, this.#references);
  }
}

const NOT_DECODED = err('is not percent-encoded UTF-8');
const TOO_MANY = err(`has more than ${MAX_PARTS} parts`);

/** An object of pairs; a value of null cannot be decoded. */
function objectOf(
  pairs: readonly (readonly [string, string | null])[],
  schemaOf: (name: string) => Part | null,
  references: References,
): Result<Readonly<Record<string, unknown>>> {
  const members = new Map<string, unknown>();
  for (const [name, text] of pairs) {
    if (text === null) return NOT_DECODED;
    const shape = shapeOf(schemaOf(name), references);
    const known = members.get(name);
    if (shape.types.has('array'))
      members.set(name, [...((known as readonly unknown[] | undefined) ?? []), scalarOf(text, shapeOf(shape.items, references))]);
    else if (known !== undefined) return err(`has ${JSON.stringify(name)} more than once`);
    else members.set(name, scalarOf(text, shape));
  }
  return ok(Object.fromEntries(members));
}

/** The body of a form as an object of a schema. */
export function formOf(text: string, schema: Part | null, references: References): Result<unknown> {
  const pairs = pairsOf(text, '&');
  if (pairs.length > MAX_PARTS) return TOO_MANY;
  const { properties, others } = shapeOf(schema, references);
  return objectOf(
    pairs.map(([name, value]) => [name, decodeText(value, true)] as const),
    (name) => properties.get(name) ?? others,
    references,
  );
}

/** The pairs of a query, a form (`&`) or cookies (`;`). Names are decoded, and those that cannot be are left as they are. */
export function pairsOf(text: string, separator: '&' | ';'): Pairs {
  return text
    .split(separator)
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(pairOf)
    .map(([name, value]) => [decodeText(name, separator === '&') ?? name, value] as const);
}

function pairOf(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** Texts of lists and objects, with their separator. */
function separated(text: string, style: Parameter['style']): readonly [string, string] {
  if (style === 'spaceDelimited') return [text.replaceAll('+', '%20'), '%20'];
  if (style === 'pipeDelimited') return [text.replaceAll(/%7c/gi, '|'), '|'];
  return [text, ','];
}

/** Null: it is not UTF-8. `hasPlus`: `+` is a space, as in forms. */
function decodeText(text: string, hasPlus: boolean): string | null {
  if (!text.includes('%') && !(hasPlus && text.includes('+'))) return text;
  try {
    return decodeURIComponent(hasPlus ? text.replaceAll('+', ' ') : text);
  } catch {
    return null;
  }
}

function jsonOf(text: string | null): Read {
  if (text === null) return NOT_DECODED;
  try {
    return ok(JSON.parse(text) as unknown);
  } catch {
    return err('is not JSON');
  }
}
