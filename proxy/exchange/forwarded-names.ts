// The headers with which proxies tell of the client, and which anybody can write.

const X = 0x78;
const F = 0x66;
const UNDERSCORE = 0x5f;

/** Those names (lower case), also spelt with underscores: CGI and its kin see no difference. */
export function isForwarded(name: string): boolean {
  const first = name.charCodeAt(0);
  if (first === F) return name === 'forwarded';
  if (first !== X) return false;
  const dashed = name.charCodeAt(1) === UNDERSCORE || name.charCodeAt(11) === UNDERSCORE || name.charCodeAt(6) === UNDERSCORE;
  const plain = dashed ? withDashes(name) : name;
  return plain.startsWith('x-forwarded-') || plain === 'x-real-ip';
}

/** The name that CGI and its kin take it for. */
export function withDashes(name: string): string {
  return name.replaceAll('_', '-');
}
