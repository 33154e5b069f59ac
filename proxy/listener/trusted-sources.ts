// Who may tell us, with the PROXY protocol, that a connection is somebody else's.
import net from 'node:net';
import { err, ok } from '#lib/result.ts';
import type { Result } from '#lib/result.ts';

/** The addresses of a list of ranges. */
export class TrustedSources {
  static readonly NOBODY = new TrustedSources(new net.BlockList());
  readonly #ranges: net.BlockList | null;

  private constructor(ranges: net.BlockList | null) {
    this.#ranges = ranges;
  }

  /** Ranges like `10.0.0.0/8` or `fd00::/8`; an empty list is everybody. Fails with a sentence for people. */
  static of(ranges: readonly string[]): Result<TrustedSources> {
    if (ranges.length === 0) return ok(new TrustedSources(null));
    const list = new net.BlockList();
    for (const range of ranges) if (!add(list, range)) return err(`${range} is not a range of addresses`);
    return ok(new TrustedSources(list));
  }

  /** `address`: as `plainAddress` writes it. */
  trusts(address: string): boolean {
    const version = net.isIP(address);
    if (this.#ranges === null) return true;
    return version !== 0 && this.#ranges.check(address, version === 4 ? 'ipv4' : 'ipv6');
  }
}

function add(list: net.BlockList, range: string): boolean {
  const [address = '', bits = '', ...more] = range.split('/');
  const version = net.isIP(address);
  if (version === 0 || address.includes('%') || more.length > 0 || !/^\d{1,3}$/.test(bits)) return false;
  if (Number(bits) > (version === 4 ? 32 : 128)) return false;
  list.addSubnet(address, Number(bits), version === 4 ? 'ipv4' : 'ipv6');
  return true;
}
