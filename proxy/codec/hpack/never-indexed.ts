// Headers that are never indexed, whatever their sender (RFC 7541 section 7.1.3): an attacker could guess them octet by octet from message
// sizes.

const NAMES = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'x-api-key', 'x-csrf-token']);

export function isNeverIndexed(name: string): boolean {
  return NAMES.has(name);
}
