// The names of the members of open objects, to find duplicates. Names are kept as keyed hashes, so that a long name costs as much as a short
// one; equal names are always found, also if escapes write one of them.
import { randomBytes } from 'node:crypto';
import { STATE } from './json-states.ts';

/** The names of all open objects together. */
export const MAX_OPEN_NAMES = 16_384;

const SEEDS = randomBytes(8);
const SEED_1 = SEEDS.readInt32LE(0);
const SEED_2 = SEEDS.readInt32LE(4);

/** Characters after a backslash that mean another one. */
const ESCAPES: ReadonlyMap<number, number> = new Map(
  Object.entries({ b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }).map(([mark, meant]) => [mark.charCodeAt(0), meant.charCodeAt(0)]),
);

export class MemberNames {
  readonly #open: Set<number>[] = [];
  #total = 0;
  /** The current name: its hash in two halves, and the character in progress. */
  #first = SEED_1;
  #second = SEED_2;
  #character = 0;

  /** An object begins. */
  open(): void {
    this.#open.push(new Set());
  }

  /** The innermost object ends. */
  close(): void {
    this.#total -= this.#open.pop()?.size ?? 0;
  }

  /** Takes a byte inside of a name, with the states before and after it. */
  take(state: number, byte: number, next: number): void {
    if (state === STATE.string) this.#character = next === STATE.string ? byte : leadBits(byte);
    else if (state === STATE.escape) this.#character = next === STATE.hex4 ? 0 : (ESCAPES.get(byte) ?? byte);
    else if (state <= STATE.hex1) this.#character = (this.#character << 4) | hexDigit(byte);
    else this.#character = (this.#character << 6) | (byte & 0x3f);
    if (next === STATE.string) this.#mixCharacter(this.#character);
  }

  /** The name is complete. */
  end(): 'a name twice in one object' | 'too many names of open objects' | null {
    const names = this.#open.at(-1) as Set<number>;
    const hash = (this.#first >>> 0) * 0x20_0000 + (this.#second >>> 11);
    this.#first = SEED_1;
    this.#second = SEED_2;
    if (names.has(hash)) return 'a name twice in one object';
    if (++this.#total > MAX_OPEN_NAMES) return 'too many names of open objects';
    names.add(hash);
    return null;
  }

  /** By code units of UTF-16, since escapes write these. */
  #mixCharacter(character: number): void {
    if (character < 0x1_0000) return this.#mix(character);
    this.#mix(0xd800 + ((character - 0x1_0000) >> 10));
    this.#mix(0xdc00 + (character & 0x3ff));
  }

  /** The rounds of MurmurHash3. */
  #mix(unit: number): void {
    const a = Math.imul(this.#first ^ Math.imul(unit + 1, 0xcc9e_2d51), 0x1b87_3593);
    this.#first = (a << 13) | (a >>> 19);
    const b = Math.imul(this.#second ^ this.#first ^ unit, 0x85eb_ca6b);
    this.#second = b ^ (b >>> 15);
  }
}

/** The bits of a character in its first byte: fewer, the more bytes follow. */
function leadBits(byte: number): number {
  if (byte < 0x80) return 0;
  if (byte < 0xe0) return byte & 0x1f;
  return byte & (byte < 0xf0 ? 0x0f : 0x07);
}

function hexDigit(byte: number): number {
  return byte <= 0x39 ? byte - 0x30 : (byte & 0x0f) + 9;
}
