// What a proxy adds to a request on its way: who asked, how, and for which host. What a client claims of itself is replaced,
// since no proxy in front is trusted by default.
import type { Exchange } from '../exchange/exchange.ts';
import type { Headers } from '../exchange/headers.ts';

const X = 0x78;
const F = 0x66;
const UNDERSCORE = 0x5f;

/** Those names, also spelt with underscores: CGI and its kin see no difference. */
function isForwarded(name: string): boolean {
  const first = name.charCodeAt(0);
  if (first === F) return name === 'forwarded';
  if (first !== X) return false;
  const dashed = name.charCodeAt(1) === UNDERSCORE || name.charCodeAt(11) === UNDERSCORE || name.charCodeAt(6) === UNDERSCORE;
  const plain = dashed ? name.replaceAll('_', '-') : name;
  return plain.startsWith('x-forwarded-') || plain === 'x-real-ip';
}

/** Replaces the x-forwarded headers of a request by what the proxy saw itself. */
export function setForwarded(exchange: Exchange): void {
  const headers = exchange.requestHeaders;
  for (let i = headers.length - 2; i >= 0; i -= 2) {
    if (isForwarded(headers[i] as string)) headers.splice(i, 2);
  }
  pushForwarded(headers, exchange);
}

function pushForwarded(headers: Headers, exchange: Exchange): void {
  headers.push('x-forwarded-for', exchange.connection.remoteAddress);
  headers.push('x-forwarded-proto', exchange.connection.tls === null ? 'http' : 'https');
  if (exchange.authority !== '') headers.push('x-forwarded-host', exchange.authority);
}
