// The headers in which proxies report the client. Any client can write them.

const X = 0x78;
const F = 0x66;
const UNDERSCORE = 0x5f;

/** Those names in lower case, also with underscores: CGI programs do not distinguish them. */
export function isForwarded(name: string): boolean {
  const first = name.charCodeAt(0);
  if (first === F) return name === 'forwarded';
  if (first !== X) return false;
  const dashed = name.charCodeAt(1) === UNDERSCORE || name.charCodeAt(11) === UNDERSCORE || name.charCodeAt(6) === UNDERSCORE;
  const plain = dashed ? withDashes(name) : name;
  return plain.startsWith('x-forwarded-') || plain === 'x-real-ip';
}

/** The name as CGI programs read it. */
export function withDashes(name: string): string {
  return name.replaceAll('_', '-');
}
