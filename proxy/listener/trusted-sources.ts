// Who may tell us, with the PROXY protocol or with headers, that a connection or a request is somebody else's.
import { parseAddressRange } from '#lib/address-range.ts';
import { AddressRanges } from '#lib/address-ranges.ts';
import { readAddress } from '#lib/address-words.ts';

/** The addresses of a list of ranges. */
export class TrustedSources {
  readonly #ranges: AddressRanges | null;

  private constructor(ranges: AddressRanges | null) {
    this.#ranges = ranges;
  }

  /** Ranges like `10.0.0.0/8` or `fd00::/8`; an empty list is everybody. What is no range is nobody's: schemas keep it out. */
  static of(ranges: readonly string[]): TrustedSources {
    if (ranges.length === 0) return new TrustedSources(null);
    const parsed = ranges.map(parseAddressRange);
    return new TrustedSources(AddressRanges.of(parsed.flatMap((range) => (range.ok ? [range.value] : []))));
  }

  /** `address`: as `plainAddress` writes it, possibly with a zone. */
  trusts(address: string): boolean {
    if (this.#ranges === null) return true;
    const zone = address.indexOf('%');
    const version = readAddress(address, 0, zone < 0 ? address.length : zone);
    return version !== 0 && this.#ranges.includesRead(version);
  }

  /** The same for the address that was read last (`addressWords`), of this version. */
  trustsRead(version: 4 | 6): boolean {
    return this.#ranges === null || this.#ranges.includesRead(version);
  }
}
