// Compares authorities of URIs. As text they would differ by a default port.

/** Default ports. */
const DEFAULT_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 };

/** The start of the port, with its colon; the length if there is no port. The brackets contain the colons of an IPv6 literal. */
export function portAt(authority: string): number {
  const colon = authority.lastIndexOf(':');
  return colon > authority.lastIndexOf(']') ? colon : authority.length;
}

/** The port, or the default of the scheme (RFC 3986 section 6.2.3). */
export function portOf(authority: string, scheme: string): number {
  const digits = authority.slice(portAt(authority) + 1);
  return digits === '' ? (DEFAULT_PORTS[scheme] ?? 0) : Number(digits);
}

/** Whether both have the same host and port. `normalise` returns the normal form of a host, or null if it is not one. */
export function isSameAuthority(one: string, other: string, scheme: string, normalise: (raw: string) => string | null): boolean {
  if (one === other) return true;
  const host = normalise(one);
  return host !== null && host === normalise(other) && portOf(one, scheme) === portOf(other, scheme);
}

/** An origin (RFC 6454) in the form of browsers: lower case, without a default port. */
export function normaliseOrigin(origin: string): string {
  const lower = origin.toLowerCase();
  const schemeEnd = lower.indexOf('://');
  if (schemeEnd < 0) return lower;
  const port = DEFAULT_PORTS[lower.slice(0, schemeEnd)];
  return port !== undefined && lower.endsWith(`:${port}`) ? lower.slice(0, lower.length - String(port).length - 1) : lower;
}
