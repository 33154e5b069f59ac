// JSON texts as values and back. Numbers that a double cannot hold keep their digits.

/** A number as its text has it. */
export class ExactNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toJSON(): unknown {
    return RAW.rawJSON(this.text);
  }
}

/** Of ECMAScript 2026; the types do not have them yet. */
interface RawJson {
  rawJSON(text: string): unknown;
  parse(text: string, reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown): unknown;
}
const RAW = JSON as unknown as RawJson;

/** Objects have members of any name, also `__proto__`, as own properties. */
export type Json = null | boolean | number | string | ExactNumber | Json[] | JsonObject;
export interface JsonObject {
  [name: string]: Json;
}

export function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber);
}

/** Sets an own member: the name `__proto__` is one like others. */
export function setMember(object: JsonObject, name: string, value: Json): void {
  Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
}

/** Something in a text that may be a number which a double writes in another way. */
const UNUSUAL_NUMBER = /-0|[0-9][.eE]|[0-9]{16}/;

/** The value of a text in UTF-8; null if it is not JSON or is nested deeper. */
export function parseJson(bytes: Buffer, maxDepth: number): { readonly value: Json } | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (isDeeper(text, maxDepth)) return null;
    return { value: (UNUSUAL_NUMBER.test(text) ? RAW.parse(text, exact) : JSON.parse(text)) as Json };
  } catch {
    return null;
  }
}

function exact(_: string, value: unknown, { source }: { readonly source?: string }): unknown {
  return typeof value === 'number' && source !== undefined && String(value) !== source ? new ExactNumber(source) : value;
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c];

function isDeeper(text: string, maxDepth: number): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) i = endOfString(text, i);
    else if (code === 0x5b || code === 0x7b) {
      if (++depth > maxDepth) return true;
    } else if (code === 0x5d || code === 0x7d) depth--;
  }
  return false;
}

function endOfString(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && text.charCodeAt(i) !== QUOTE) i += text.charCodeAt(i) === BACKSLASH ? 2 : 1;
  return i;
}

/** The value as expressions read it: numbers are doubles. */
export function readable(value: Json): unknown {
  if (value instanceof ExactNumber) return Number(value.text);
  if (Array.isArray(value)) return value.map(readable);
  if (!isObject(value)) return value;
  const copy: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) setMember(copy as JsonObject, name, readable(member) as Json);
  return copy;
}

/** A value of an expression is too large, or is none of JSON. */
export class ValueProblem extends Error {}

/** Milliseconds that the expressions for the places of one body may take: others wait meanwhile. */
const MAX_TIME = 250;

/** The values that expressions may make for one body. */
export class ValueBudget {
  readonly #since = performance.now();
  #left: number;

  /** Characters and values together. */
  constructor(size: number) {
    this.#left = size;
  }

  /** The value of an expression as JSON, without parts of the body in it. */
  json(value: unknown): Json {
    this.#spend(1);
    if (typeof value === 'string') {
      this.#spend(value.length);
      return value;
    }
    if (value === null || typeof value === 'boolean') return value;
    if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : new ExactNumber(String(value));
    if (typeof value === 'number') return Number.isFinite(value) ? value : null;
    if (value instanceof Date) return value.toISOString();
    return this.#compound(value);
  }

  /** Throws if the time is over: the time of many places with loops over the body grows with the square of its size. */
  spendTime(): void {
    if (performance.now() - this.#since > MAX_TIME) throw new ValueProblem('the values take too long');
  }

  #compound(value: unknown): Json {
    if (Array.isArray(value)) return value.map((each) => this.json(each));
    const isPlain =
      typeof value === 'object' && value !== null && [Object.prototype, null].includes(Object.getPrototypeOf(value) as object);
    if (!isPlain && !(value instanceof Map)) throw new ValueProblem('a value is none of JSON');
    const members = value instanceof Map ? [...value] : Object.entries(value as object);
    const object: JsonObject = {};
    for (const [name, member] of members) {
      this.#spend(String(name).length);
      setMember(object, String(name), this.json(member));
    }
    return object;
  }

  #spend(size: number): void {
    this.#left -= size;
    if (this.#left < 0) throw new ValueProblem('the values are too large');
  }
}
