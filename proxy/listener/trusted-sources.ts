// Who may tell us, with the PROXY protocol, that a connection is somebody else's.
import net from 'node:net';
import { parseAddressRange } from '#lib/address-range.ts';

/** The addresses of a list of ranges. */
export class TrustedSources {
  readonly #ranges: net.BlockList | null;

  private constructor(ranges: net.BlockList | null) {
    this.#ranges = ranges;
  }

  /** Ranges like `10.0.0.0/8` or `fd00::/8`; an empty list is everybody. What is no range is nobody's: schemas keep it out. */
  static of(ranges: readonly string[]): TrustedSources {
    if (ranges.length === 0) return new TrustedSources(null);
    const list = new net.BlockList();
    for (const range of ranges) {
      const parsed = parseAddressRange(range);
      if (parsed.ok) list.addSubnet(parsed.value.address, parsed.value.bits, parsed.value.version === 4 ? 'ipv4' : 'ipv6');
    }
    return new TrustedSources(list);
  }

  /** `address`: as `plainAddress` writes it. */
  trusts(address: string): boolean {
    const version = net.isIP(address);
    if (this.#ranges === null) return true;
    return version !== 0 && this.#ranges.check(address, version === 4 ? 'ipv4' : 'ipv6');
  }
}
