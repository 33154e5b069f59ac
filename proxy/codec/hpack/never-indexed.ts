// Headers that no table may learn, whoever sends them (RFC 7541 section 7.1.3): what an attacker might guess octet by octet by
// watching sizes.

const NAMES = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'x-api-key', 'x-csrf-token']);

export function isNeverIndexed(name: string): boolean {
  return NAMES.has(name);
}
