// What a proxy adds to a request on its way: who asked, how, and for which host. What a client claims of itself is replaced,
// since no proxy in front is trusted by default.
import type { Exchange } from '../exchange/exchange.ts';
import type { Headers } from '../exchange/headers.ts';

const FORWARDED_LENGTHS = new Set(
  ['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-port', 'forwarded', 'x-real-ip'].map((name) => name.length),
);

function isForwarded(name: string): boolean {
  if (!FORWARDED_LENGTHS.has(name.length)) return false;
  return name.startsWith('x-forwarded-') || name === 'forwarded' || name === 'x-real-ip';
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
  headers.push(
    'x-forwarded-for',
    exchange.connection.remoteAddress,
    'x-forwarded-proto',
    exchange.connection.tls === null ? 'http' : 'https',
    'x-forwarded-host',
    exchange.authority,
  );
}
