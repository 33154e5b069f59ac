// Many address ranges, prepared for a fast check of an address: sorted, without ranges that lie within others, so that a binary search
// finds the only range that may contain it.
import { addressWords, readAddress } from './address-words.ts';
import { parseAddressRange, type AddressRange } from './address-range.ts';

const WORD = 32;
const WORDS = 4;
/** Words of a range: its first address, then its mask. */
const STRIDE = 2 * WORDS;
/** The prefix of IPv4 addresses within IPv6: ::ffff:0:0/96. */
const MAPPED_BITS = 96;

/** The words of ranges. */
export interface PackedRanges {
  readonly short: Uint32Array;
  readonly long: Uint32Array;
}

export class AddressRanges {
  /** IPv4: a word and its mask for each range, in order. */
  readonly #short: Uint32Array;
  /** IPv6: four words and their masks for each range, in order. */
  readonly #long: Uint32Array;

  private constructor(short: Uint32Array, long: Uint32Array) {
    this.#short = short;
    this.#long = long;
  }

  static of(ranges: readonly AddressRange[]): AddressRanges {
    const short: Prefix[] = [];
    const long: Prefix[] = [];
    for (const { address, bits, version } of ranges) {
      const isShort = readAddress(address) === 4 && (version === 4 || bits >= MAPPED_BITS);
      if (isShort) short.push(prefixOf([addressWords[3] as number], version === 4 ? bits : bits - MAPPED_BITS));
      else long.push(prefixOf([...addressWords], bits));
    }
    return new AddressRanges(pack(short), pack(long));
  }

  /** Of `packed`. */
  static ofPacked({ short, long }: PackedRanges): AddressRanges {
    return new AddressRanges(short, long);
  }

  /** Of texts that have been checked: every one of them is a range. */
  static parse(texts: readonly string[]): AddressRanges {
    return AddressRanges.of(
      texts.map((text) => {
        const range = parseAddressRange(text);
        if (!range.ok) throw new Error(`${text} ${range.error}`);
        return range.value;
      }),
    );
  }

  /** In a form that another thread can get. */
  get packed(): PackedRanges {
    return { short: this.#short, long: this.#long };
  }

  /** Whether a range contains the address. A text that is not an address is in no range. */
  includes(address: string): boolean {
    const version = readAddress(address);
    return version !== 0 && this.includesRead(version);
  }

  /** The same for the last parsed address (`addressWords`), of this version. IPv6 ranges contain no IPv4 address. */
  includesRead(version: 4 | 6): boolean {
    return version === 4 ? this.#includesShort() : this.#includesLong();
  }

  #includesShort(): boolean {
    const word = addressWords[3] as number;
    const ranges = this.#short;
    let low = 0;
    let high = ranges.length / 2;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((ranges[2 * middle] as number) <= word) low = middle + 1;
      else high = middle;
    }
    return low > 0 && ((word ^ (ranges[2 * low - 2] as number)) & (ranges[2 * low - 1] as number)) === 0;
  }

  #includesLong(): boolean {
    const ranges = this.#long;
    let low = 0;
    let high = ranges.length / STRIDE;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (beginsAfter(ranges, middle * STRIDE)) high = middle;
      else low = middle + 1;
    }
    return low > 0 && fits(ranges, (low - 1) * STRIDE);
  }
}

/** A range: its first address and its mask, in words. */
interface Prefix {
  readonly words: readonly number[];
  readonly masks: readonly number[];
}

function prefixOf(words: readonly number[], bits: number): Prefix {
  const masks = words.map((_, i) => maskOf(bits - i * WORD));
  return { words: words.map((word, i) => (word & (masks[i] as number)) >>> 0), masks };
}

/** The mask of the first `bits` bits of a word; `bits` may be negative or more than 32. */
function maskOf(bits: number): number {
  if (bits <= 0) return 0;
  return bits >= WORD ? 0xffff_ffff : (-1 << (WORD - bits)) >>> 0;
}

/** Sorted; two ranges are disjoint, or one lies within the other and is left out. */
function pack(prefixes: readonly Prefix[]): Uint32Array {
  const packed: number[] = [];
  let last: Prefix | null = null;
  for (const prefix of prefixes.toSorted(compare)) {
    if (last !== null && contains(last, prefix)) continue;
    packed.push(...prefix.words, ...prefix.masks);
    last = prefix;
  }
  return Uint32Array.from(packed);
}

/** By first address; of ranges that begin with the same address, the larger one first. */
function compare(a: Prefix, b: Prefix): number {
  return compareWords(a.words, b.words) || compareWords(a.masks, b.masks);
}

function compareWords(a: readonly number[], b: readonly number[]): number {
  const i = a.findIndex((word, at) => word !== b[at]);
  return i === -1 ? 0 : (a[i] as number) - (b[i] as number);
}

function contains({ words, masks }: Prefix, other: Prefix): boolean {
  return words.every((word, i) => ((word ^ (other.words[i] as number)) & (masks[i] as number)) === 0);
}

/** Whether a range begins after the last parsed address. */
function beginsAfter(ranges: Uint32Array, start: number): boolean {
  for (let i = 0; i < WORDS; i++) {
    const first = ranges[start + i] as number;
    const word = addressWords[i] as number;
    if (first !== word) return first > word;
  }
  return false;
}

function fits(ranges: Uint32Array, start: number): boolean {
  for (let i = 0; i < WORDS; i++) {
    const different = (addressWords[i] as number) ^ (ranges[start + i] as number);
    if ((different & (ranges[start + WORDS + i] as number)) !== 0) return false;
  }
  return true;
}
