// Many address ranges, prepared for a fast check of an address.
import { addressWords, readAddress } from './address-words.ts';
import type { AddressRange } from './address-range.ts';

const WORD = 32;
/** The prefix of IPv4 addresses within IPv6: ::ffff:0:0/96. */
const MAPPED_BITS = 96;

export class AddressRanges {
  /** IPv4: a word and its mask for each range. */
  readonly #short: Uint32Array;
  /** IPv6: four words and their masks for each range. */
  readonly #long: Uint32Array;

  private constructor(short: readonly number[], long: readonly number[]) {
    this.#short = Uint32Array.from(short);
    this.#long = Uint32Array.from(long);
  }

  static of(ranges: readonly AddressRange[]): AddressRanges {
    const short: number[] = [];
    const long: number[] = [];
    for (const { address, bits, version } of ranges) {
      const isShort = readAddress(address) === 4 && (version === 4 || bits >= MAPPED_BITS);
      if (isShort) short.push(...masked(addressWords[3] as number, version === 4 ? bits : bits - MAPPED_BITS));
      else for (let i = 0; i < 4; i++) long.push(...masked(addressWords[i] as number, bits - i * WORD));
    }
    return new AddressRanges(short, long);
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
    for (let i = 0; i < ranges.length; i += 2) {
      if (((word ^ (ranges[i] as number)) & (ranges[i + 1] as number)) === 0) return true;
    }
    return false;
  }

  #includesLong(): boolean {
    const ranges = this.#long;
    for (let i = 0; i < ranges.length; i += 8) if (fits(ranges, i)) return true;
    return false;
  }
}

function fits(ranges: Uint32Array, start: number): boolean {
  for (let i = 0; i < 4; i++) {
    const different = (addressWords[i] as number) ^ (ranges[start + 2 * i] as number);
    if ((different & (ranges[start + 2 * i + 1] as number)) !== 0) return false;
  }
  return true;
}

/** A word and the mask of its first `bits` bits; `bits` may be negative or more than 32. */
function masked(word: number, bits: number): readonly [word: number, mask: number] {
  if (bits <= 0) return [word, 0];
  return [word, bits >= WORD ? 0xffff_ffff : -1 << (WORD - bits)];
}
