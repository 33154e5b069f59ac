// The address of the caller: that of the connection, or the one that proxies in front report, if the operator trusts them. Limits of logins and
// rates, sessions and the audit log use it, so a header of a caller must never set it.
import type { IncomingHttpHeaders } from 'node:http';
import { AddressRanges } from '#lib/address-ranges.ts';
import { readAddress } from '#lib/address-words.ts';

/** The headers that can report a client: X-Forwarded-For, or Forwarded (RFC 7239). */
export const CLIENT_HEADERS = ['x-forwarded-for', 'forwarded'] as const;

export interface TrustedProxies {
  /** Their addresses, as ranges like 10.0.0.0/8. */
  readonly ranges: readonly string[];
  /** The one header that they set. They must remove or extend that of callers. */
  readonly header: (typeof CLIENT_HEADERS)[number];
}

/** Finds the address of a caller by the address of the peer and the headers. */
export type FindAddress = (peer: string, headers: IncomingHttpHeaders) => string;

/** More proxies than these are not followed. */
const MAX_HOPS = 16;

/** `proxies`: null trusts none. */
export function addressFinder(proxies: TrustedProxies | null): FindAddress {
  if (proxies === null) return (peer) => plain(peer);
  const ranges = AddressRanges.parse(proxies.ranges);
  return (peer, headers) => {
    const value = headers[proxies.header];
    let address = plain(peer);
    const elements = typeof value === 'string' ? value.split(',').slice(-MAX_HOPS) : [];
    // From the nearest proxy to the caller: each one vouches only for the element that it has added.
    for (const element of elements.reverse()) {
      if (!ranges.includes(address)) return address;
      const next = proxies.header === 'forwarded' ? forOf(element) : addressIn(element.trim());
      if (next === null) return address;
      address = next;
    }
    return address;
  };
}

/** The parameter `for` of an element of Forwarded. */
function forOf(element: string): string | null {
  for (const pair of element.split(';')) {
    const [name = '', value = ''] = pair.trim().split('=', 2);
    if (name.toLowerCase() === 'for') return addressIn(value.replace(/^"(.*)"$/, '$1'));
  }
  return null;
}

/** An address that may have a port: 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1], [2001:db8::1]:80. */
function addressIn(text: string): string | null {
  if (text.length > 64) return null;
  const [, bracketed] = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text) ?? [];
  const address = plain(bracketed ?? text.replace(/^([\d.]+):\d{1,5}$/, '$1'));
  return readAddress(address) === 0 ? null : address;
}

/** A socket for both families writes IPv4 as ::ffff:192.0.2.1. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}
