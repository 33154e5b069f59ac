// Structured field values (RFC 9651): dictionaries of items and inner lists, strict and bounded. Dates, display strings and repeated keys are
// refused: no field that Weir reads has them, and a key that is there twice means different things to different readers.
import { err, ok, type Result } from './result.ts';

/** A bare item. The type says how it was written: a token is not a string. */
export type BareItem =
  | { readonly type: 'integer' | 'decimal'; readonly value: number }
  | { readonly type: 'string' | 'token'; readonly value: string }
  | { readonly type: 'bytes'; readonly value: Buffer }
  | { readonly type: 'boolean'; readonly value: boolean };

/** Parameters in their order. */
export type Parameters = ReadonlyMap<string, BareItem>;

export interface Item {
  readonly bare: BareItem;
  readonly parameters: Parameters;
}

export interface InnerList {
  readonly items: readonly Item[];
  readonly parameters: Parameters;
}

export type Member = Item | InnerList;
export type Dictionary = ReadonlyMap<string, Member>;

/** The bounds of a field: a larger one is refused before, or while, it is read. */
export interface FieldBounds {
  readonly maxLength: number;
  readonly maxMembers: number;
  /** Items of an inner list, and parameters of an item or a list. */
  readonly maxItems: number;
}

class Malformed extends Error {}

/** Reads a dictionary; several lines of a field are one with commas. The error says what is wrong, without parts of the field. */
export function parseDictionary(text: string, bounds: FieldBounds): Result<Dictionary> {
  if (text.length > bounds.maxLength) return err('is too long');
  try {
    return ok(new Reader(text, bounds).dictionary());
  } catch (error) {
    if (error instanceof Malformed) return err(error.message);
    throw error;
  }
}

const KEY = /[a-z*][a-z0-9_.*-]*/y;
const NUMBER = /-?[0-9]{1,15}(?:\.[0-9]{1,3})?/y;
const STRING = /"((?:[ !#-[\]-~]|\\["\\])*)"/y;
const TOKEN = /[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*/y;
const BYTES = /:([A-Za-z0-9+/]*={0,2}):/y;
const BOOLEAN = /\?([01])/y;
const SPACES = / */y;
const OPTIONAL_WHITESPACE = /[ \t]*/y;

class Reader {
  readonly #text: string;
  readonly #bounds: FieldBounds;
  #at = 0;

  constructor(text: string, bounds: FieldBounds) {
    this.#text = text;
    this.#bounds = bounds;
  }

  dictionary(): Dictionary {
    const members = new Map<string, Member>();
    this.#take(SPACES);
    while (this.#at < this.#text.length) {
      const key = this.#key();
      if (members.has(key)) throw new Malformed('has a key twice');
      if (members.size >= this.#bounds.maxMembers) throw new Malformed('has too many members');
      members.set(key, this.#member());
      if (!this.#nextMember()) break;
    }
    return members;
  }

  /** False: the field ends here. */
  #nextMember(): boolean {
    this.#take(OPTIONAL_WHITESPACE);
    if (this.#at === this.#text.length) return false;
    this.#expect(',');
    this.#take(OPTIONAL_WHITESPACE);
    if (this.#at === this.#text.length) throw new Malformed('ends with a comma');
    return true;
  }

  #member(): Member {
    if (!this.#skip('=')) return { bare: { type: 'boolean', value: true }, parameters: this.#parameters() };
    return this.#text[this.#at] === '(' ? this.#innerList() : this.#item();
  }

  #innerList(): InnerList {
    this.#expect('(');
    const items: Item[] = [];
    for (;;) {
      this.#take(SPACES);
      if (this.#skip(')')) return { items, parameters: this.#parameters() };
      if (items.length >= this.#bounds.maxItems) throw new Malformed('has a list with too many items');
      items.push(this.#item());
      const next = this.#text[this.#at];
      if (next !== ' ' && next !== ')') throw new Malformed('has a list that is not well-formed');
    }
  }

  #item(): Item {
    return { bare: this.#bareItem(), parameters: this.#parameters() };
  }

  #parameters(): Parameters {
    const parameters = new Map<string, BareItem>();
    while (this.#skip(';')) {
      this.#take(SPACES);
      const key = this.#key();
      if (parameters.has(key)) throw new Malformed('has a parameter twice');
      if (parameters.size >= this.#bounds.maxItems) throw new Malformed('has too many parameters');
      parameters.set(key, this.#skip('=') ? this.#bareItem() : { type: 'boolean', value: true });
    }
    return parameters;
  }

  #bareItem(): BareItem {
    const first = this.#text[this.#at] ?? '';
    if (first === '"') return { type: 'string', value: this.#need(STRING, 1).replaceAll(/\\(["\\])/g, '$1') };
    if (first === ':') return { type: 'bytes', value: bytesOf(this.#need(BYTES, 1)) };
    if (first === '?') return { type: 'boolean', value: this.#need(BOOLEAN, 1) === '1' };
    if (first === '-' || (first >= '0' && first <= '9')) return this.#number();
    return { type: 'token', value: this.#need(TOKEN, 0) };
  }

  #number(): BareItem {
    const text = this.#need(NUMBER, 0);
    const [whole = '', fraction] = text.split('.');
    if (fraction === undefined) return { type: 'integer', value: Number(text) };
    if (whole.replace('-', '').length > 12) throw new Malformed('has a number that is too long');
    return { type: 'decimal', value: Number(text) };
  }

  #key(): string {
    return this.#need(KEY, 0);
  }

  /** The match at this place. */
  #need(pattern: RegExp, group: number): string {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) throw new Malformed('is not well-formed');
    this.#at = pattern.lastIndex;
    return match[group] ?? '';
  }

  #take(pattern: RegExp): void {
    this.#need(pattern, 0);
  }

  #skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #expect(character: string): void {
    if (!this.#skip(character)) throw new Malformed('is not well-formed');
  }
}

/** Only the form that an encoder writes, with or without padding: no two texts are the same bytes. */
function bytesOf(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64').replace(/=+$/, '') !== text.replace(/=+$/, '')) throw new Malformed('has bytes that are no base64');
  return bytes;
}

/** The canonical text of an inner list. */
export function innerListText({ items, parameters }: InnerList): string {
  return `(${items.map(itemText).join(' ')})${parametersText(parameters)}`;
}

/** The canonical text of an item. */
export function itemText({ bare, parameters }: Item): string {
  return bareText(bare) + parametersText(parameters);
}

function parametersText(parameters: Parameters): string {
  let text = '';
  for (const [key, bare] of parameters) text += bare.type === 'boolean' && bare.value ? `;${key}` : `;${key}=${bareText(bare)}`;
  return text;
}

function bareText(bare: BareItem): string {
  switch (bare.type) {
    case 'string':
      return `"${bare.value.replaceAll(/["\\]/g, '\\$&')}"`;
    case 'bytes':
      return `:${bare.value.toString('base64')}:`;
    case 'boolean':
      return bare.value ? '?1' : '?0';
    case 'decimal':
      return Number.isInteger(bare.value) ? `${bare.value}.0` : String(bare.value);
    default:
      return String(bare.value);
  }
}
