// Authorities of URIs: whether two name the same. Compared as text they would differ by a port that goes without saying.

/** Ports that go without saying. */
const DEFAULT_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 };

/** Where the port begins, with its colon; the length where there is none. Brackets hold the colons of an IPv6 literal. */
export function portAt(authority: string): number {
  const colon = authority.lastIndexOf(':');
  return colon > authority.lastIndexOf(']') ? colon : authority.length;
}

/** The port, which the scheme implies where none is given (RFC 3986 section 6.2.3). */
export function portOf(authority: string, scheme: string): number {
  const digits = authority.slice(portAt(authority) + 1);
  return digits === '' ? (DEFAULT_PORTS[scheme] ?? 0) : Number(digits);
}

/** Whether both name one host and port. `normalise`: the host of an authority in normal form, null where it is none. */
export function isSameAuthority(one: string, other: string, scheme: string, normalise: (raw: string) => string | null): boolean {
  if (one === other) return true;
  const host = normalise(one);
  return host !== null && host === normalise(other) && portOf(one, scheme) === portOf(other, scheme);
}

/** An origin (RFC 6454) as browsers write it: lower case, without the port that its scheme implies. */
export function normaliseOrigin(origin: string): string {
  const lower = origin.toLowerCase();
  const schemeEnd = lower.indexOf('://');
  if (schemeEnd < 0) return lower;
  const port = DEFAULT_PORTS[lower.slice(0, schemeEnd)];
  return port !== undefined && lower.endsWith(`:${port}`) ? lower.slice(0, lower.length - String(port).length - 1) : lower;
}
