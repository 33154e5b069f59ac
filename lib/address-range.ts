// Ranges of IP addresses in CIDR notation (RFC 4632, RFC 4291 section 2.3).
import net from 'node:net';
import { err, ok, type Result } from './result.ts';

/** `address`/`bits`, as in 10.0.0.0/8. */
export interface AddressRange {
  readonly address: string;
  readonly bits: number;
  readonly version: 4 | 6;
}

/** Parses `10.0.0.0/8` or `fd00::/8`. The error is the end of a sentence. */
export function parseAddressRange(text: string): Result<AddressRange> {
  const [address = '', bits = '', ...more] = text.split('/');
  const version = net.isIP(address);
  const isRange = more.length === 0 && /^\d{1,3}$/.test(bits) && !address.includes('%');
  if ((version !== 4 && version !== 6) || !isRange || Number(bits) > (version === 4 ? 32 : 128))
    return err('must be a range of addresses like 10.0.0.0/8 or fd00::/8');
  return ok({ address, bits: Number(bits), version });
}
