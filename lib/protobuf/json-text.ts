// Reads JSON (RFC 8259) into values that keep what protobuf needs and JSON.parse drops: the text of numbers, and keys that come twice are
// refused.
import { ProtobufFault } from './fault.ts';
import type { Allowance } from './limits.ts';

/** A number as it is written. */
export class JsonNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type JsonObject = ReadonlyMap<string, Json>;
export type Json = null | boolean | string | JsonNumber | readonly Json[] | JsonObject;

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const WORDS: readonly (readonly [string, Json])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
];

/** Reads a text that holds one value; throws ProtobufFault. */
export function readJson(text: string, allowance: Allowance): Json {
  const reader = new JsonTextReader(text, allowance);
  return reader.whole();
}

class JsonTextReader {
  readonly #text: string;
  readonly #allowance: Allowance;
  #at = 0;

  constructor(text: string, allowance: Allowance) {
    this.#text = text;
    this.#allowance = allowance;
  }

  whole(): Json {
    const value = this.#value();
    if (this.#at < this.#text.length) throw this.#unexpected();
    return value;
  }

  /** A value with the spaces around it. */
  #value(): Json {
    this.#match(SPACE);
    const value = this.#bareValue();
    this.#match(SPACE);
    return value;
  }

  #bareValue(): Json {
    const first = this.#text[this.#at];
    if (first === '{') return this.#object();
    if (first === '[') return this.#array();
    this.#allowance.take(1);
    if (first === '"') return this.#string();
    for (const [word, value] of WORDS) if (this.#skip(word)) return value;
    const number = this.#match(NUMBER);
    if (number === '') throw this.#unexpected();
    return new JsonNumber(number);
  }

  #object(): JsonObject {
    const entries = new Map<string, Json>();
    this.#at++;
    this.#allowance.enter();
    this.#match(SPACE);
    if (!this.#skip('}')) {
      do this.#entry(entries);
      while (this.#skip(','));
      this.#expect('}');
    }
    this.#allowance.leave();
    return entries;
  }

  #entry(entries: Map<string, Json>): void {
    this.#match(SPACE);
    if (this.#text[this.#at] !== '"') throw this.#unexpected();
    const key = this.#string();
    if (entries.has(key)) throw new ProtobufFault(`the key ${JSON.stringify(key)} comes twice in an object`);
    this.#match(SPACE);
    this.#expect(':');
    entries.set(key, this.#value());
  }

  #array(): readonly Json[] {
    const items: Json[] = [];
    this.#at++;
    this.#allowance.enter();
    this.#match(SPACE);
    if (!this.#skip(']')) {
      do items.push(this.#value());
      while (this.#skip(','));
      this.#expect(']');
    }
    this.#allowance.leave();
    return items;
  }

  #string(): string {
    const start = this.#at++;
    const plain = this.#match(PLAIN);
    if (this.#skip('"')) return wellFormed(plain);
    while (this.#text[this.#at] === '\\') {
      this.#at += 2;
      this.#match(PLAIN);
    }
    this.#expect('"');
    return wellFormed(unescaped(this.#text.slice(start, this.#at)));
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? '';
    this.#at += found.length;
    return found;
  }

  #skip(word: string): boolean {
    const is = this.#text.startsWith(word, this.#at);
    if (is) this.#at += word.length;
    return is;
  }

  #expect(word: string): void {
    if (!this.#skip(word)) throw this.#unexpected();
  }

  #unexpected(): ProtobufFault {
    const found = this.#text.codePointAt(this.#at);
    if (found === undefined) return new ProtobufFault('the JSON is cut off');
    return new ProtobufFault(
      `the JSON has ${JSON.stringify(String.fromCodePoint(found))} at position ${this.#at}, where it is not allowed`,
    );
  }
}

function unescaped(literal: string): string {
  try {
    return JSON.parse(literal) as string;
  } catch {
    throw new ProtobufFault('a string of the JSON has an invalid escape');
  }
}

function wellFormed(text: string): string {
  if (!text.isWellFormed()) throw new ProtobufFault('a string of the JSON has half of a surrogate pair');
  return text;
}
