// The proxies in front of the admin API, in the flags of `weir admin` and `weir up`.
import { parseAddressRange } from '#lib/address-range.ts';
import { Mistake, type Flags, type FlagValues } from '#lib/flags.ts';
import { CLIENT_HEADERS, type TrustedProxies } from './api/client-address.ts';

export const PROXY_FLAGS: Flags = {
  'admin-trusted-proxies': {
    default: '',
    value: 'LIST',
    text: 'ranges of addresses of proxies in front, like 10.0.0.0/8, separated by commas; they report the address of a caller',
    see: 'admin-login.md#behind-a-proxy',
  },
  'admin-client-header': {
    default: 'x-forwarded-for',
    value: 'NAME',
    text: `header in which they report it: ${CLIENT_HEADERS.join(' or ')}`,
    words: CLIENT_HEADERS,
  },
};

/** The settings; null trusts none. */
export function readProxies(values: FlagValues): TrustedProxies | null {
  const ranges = values.parts('admin-trusted-proxies');
  const header = values.word('admin-client-header', CLIENT_HEADERS);
  if (ranges.length === 0 && values.isSet('admin-client-header'))
    throw new Mistake('--admin-client-header has no effect without --admin-trusted-proxies');
  for (const text of ranges) {
    const range = parseAddressRange(text);
    if (!range.ok) throw new Mistake(`--admin-trusted-proxies: ${JSON.stringify(text)} ${range.error}`);
  }
  return ranges.length === 0 ? null : { ranges, header };
}
