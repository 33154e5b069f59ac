// The peers that may report another client, with the PROXY protocol or with headers.
import { parseAddressRange } from '#lib/address-range.ts';
import { AddressRanges } from '#lib/address-ranges.ts';
import { readAddress } from '#lib/address-words.ts';

/** The addresses in a list of ranges. */
export class TrustedSources {
  readonly #ranges: AddressRanges | null;

  private constructor(ranges: AddressRanges | null) {
    this.#ranges = ranges;
  }

  /** Ranges like `10.0.0.0/8` or `fd00::/8`; an empty list contains every address. An invalid range contains none; schemas prevent it. */
  static of(ranges: readonly string[]): TrustedSources {
    if (ranges.length === 0) return new TrustedSources(null);
    const parsed = ranges.map(parseAddressRange);
    return new TrustedSources(AddressRanges.of(parsed.flatMap((range) => (range.ok ? [range.value] : []))));
  }

  /** `address`: in the form of `plainAddress`, optionally with a zone. */
  trusts(address: string): boolean {
    if (this.#ranges === null) return true;
    const zone = address.indexOf('%');
    const version = readAddress(address, 0, zone < 0 ? address.length : zone);
    return version !== 0 && this.#ranges.includesRead(version);
  }

  /** The same for the last parsed address (`addressWords`), of this version. */
  trustsRead(version: 4 | 6): boolean {
    return this.#ranges === null || this.#ranges.includesRead(version);
  }
}
