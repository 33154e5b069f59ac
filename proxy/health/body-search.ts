// Searches the start of a body, as its chunks arrive, for the expected content.
import { compileRegex } from '#api/match/regex.ts';
import type { Regex } from '#api/match/regex.ts';
import type { BodyMatch } from '../exchange/probe-target.ts';

/** `more`: not found yet, and the body may continue. */
export type Found = 'found' | 'missing' | 'more';

export class BodySearch {
  readonly #match: BodyMatch;
  readonly #text: Buffer;
  readonly #start: Buffer;
  #length = 0;

  constructor(match: BodyMatch) {
    this.#match = match;
    this.#text = Buffer.from(match.type === 'text' ? match.value : '', 'utf8');
    this.#start = Buffer.allocUnsafe(match.bytes);
  }

  /** Takes the next chunk. Each byte is copied and searched once, however small the chunks are. */
  take(chunk: Uint8Array): Found {
    const from = Math.max(0, this.#length - this.#text.length);
    const taken = chunk.subarray(0, this.#start.length - this.#length);
    this.#start.set(taken, this.#length);
    this.#length += taken.length;
    if (this.#match.type === 'text' && this.#known.indexOf(this.#text, from) >= 0) return 'found';
    // An expression waits for the whole start: `$` must not match the end of a chunk, and the search runs once.
    return this.#length < this.#start.length ? 'more' : this.end();
  }

  /** The body is complete. */
  end(): 'found' | 'missing' {
    const found = this.#match.type === 'text' ? this.#known.includes(this.#text) : this.#matches();
    return found ? 'found' : 'missing';
  }

  get #known(): Buffer {
    return this.#start.subarray(0, this.#length);
  }

  #matches(): boolean {
    const regex = regexOf(this.#match.value);
    return regex !== null && regex.pattern.matcher(this.#known.toString('utf8')).find();
  }
}

const compiled = new Map<string, Regex | null>();
/** More expressions than policies have in practice. */
const MAX_COMPILED = 1_000;

/** Null for an expression that is not valid: it matches nothing. */
function regexOf(expression: string): Regex | null {
  const known = compiled.get(expression);
  if (known !== undefined) return known;
  const result = compileRegex(expression);
  const regex = result.ok ? result.value : null;
  if (compiled.size >= MAX_COMPILED) compiled.clear();
  compiled.set(expression, regex);
  return regex;
}
