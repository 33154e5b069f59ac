// The headers about the client that a proxy adds to a request: address, protocol and host. Values from untrusted peers are replaced; values
// from trusted proxies are kept.
import type { Exchange } from '../exchange/exchange.ts';
import type { ForwardedClient } from '../exchange/forwarded-client.ts';
import { isForwarded } from '../exchange/forwarded-names.ts';
import type { Headers } from '../exchange/headers.ts';

/** Replaces the x-forwarded headers of a request by what the proxy itself knows, and by what trusted proxies report. */
export function setForwarded(exchange: Exchange): void {
  if (exchange.client !== null) return keepForwarded(exchange, exchange.client);
  const headers = exchange.requestHeaders;
  for (let i = headers.length - 2; i >= 0; i -= 2) {
    if (isForwarded(headers[i] as string)) headers.splice(i, 2);
  }
  headers.push('x-forwarded-for', exchange.connection.remoteAddress);
  headers.push('x-forwarded-proto', exchange.scheme);
  if (exchange.authority !== '') headers.push('x-forwarded-host', exchange.authority);
}

/** A trusted proxy uses more of these headers than those about the client; the others stay unchanged. */
function keepForwarded(exchange: Exchange, client: ForwardedClient): void {
  const headers = exchange.requestHeaders;
  let hasRealIp = false;
  for (let i = headers.length - 2; i >= 0; i -= 2) {
    const name = headers[i] as string;
    if (!isForwarded(name) || isKept(name)) continue;
    hasRealIp ||= name === 'x-real-ip';
    headers.splice(i, 2);
  }
  const authority = client.authority === '' ? exchange.authority : client.authority;
  headers.push('x-forwarded-for', client.chain, 'x-forwarded-proto', client.scheme);
  if (authority !== '') headers.push('x-forwarded-host', authority);
  headers.push('x-forwarded-port', String(client.port));
  if (hasRealIp) headers.push('x-real-ip', client.address);
  if (client.elements !== null) pushElement(headers, exchange, client.elements);
}

function isKept(name: string): boolean {
  switch (name) {
    case 'forwarded':
    case 'x-real-ip':
    case 'x-forwarded-for':
    case 'x-forwarded-proto':
    case 'x-forwarded-host':
    case 'x-forwarded-port':
      return false;
    default:
      return !name.includes('_');
  }
}

/** RFC 7239 section 4: the client, the host and the protocol of the request, after the elements of earlier proxies. */
function pushElement(headers: Headers, { connection, authority }: Exchange, elements: string): void {
  const peer = connection.remoteAddress.includes(':') ? `"[${connection.remoteAddress}]"` : connection.remoteAddress;
  const host = authority === '' ? '' : `;host="${authority}"`;
  const own = `for=${peer === '' ? 'unknown' : peer}${host};proto=${connection.tls === null ? 'http' : 'https'}`;
  headers.push('forwarded', elements === '' ? own : `${elements}, ${own}`);
}
