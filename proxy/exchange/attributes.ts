// The attributes of an exchange for extensions, with Envoy's names.
import type { Exchange } from './exchange.ts';
import { getHeader } from './headers.ts';
import { requestIdOf } from './request-id.ts';

/** An attribute: a text, a whole number, or whether something holds. */
export type AttributeValue = string | number | boolean;

const PROTOCOLS: Readonly<Record<number, string>> = { 10: 'HTTP/1.0', 11: 'HTTP/1.1', 20: 'HTTP/2' };

export const ATTRIBUTES = {
  'request.path': ({ path, query, hasQuery }) => (hasQuery ? `${path}?${query}` : path),
  'request.url_path': ({ path }) => path,
  'request.query': ({ query }) => query,
  'request.host': ({ authority }) => authority,
  'request.scheme': ({ scheme }) => scheme,
  'request.method': ({ method }) => method,
  'request.protocol': ({ version }) => PROTOCOLS[version] ?? 'HTTP/1.1',
  'request.size': ({ requestLength }) => Math.max(0, requestLength),
  'request.id': requestIdOf,
  'request.useragent': ({ requestHeaders }) => getHeader(requestHeaders, 'user-agent') ?? '',
  'request.referer': ({ requestHeaders }) => getHeader(requestHeaders, 'referer') ?? '',
  'source.address': ({ clientAddress, connection }) => socketAddress(clientAddress, connection.remotePort),
  'source.port': ({ connection }) => connection.remotePort,
  'destination.address': ({ connection }) => socketAddress(connection.localAddress, connection.localPort),
  'destination.port': ({ connection }) => connection.localPort,
  'connection.mtls': ({ connection }) => connection.tls?.clientCertificate?.verified === true,
  'connection.requested_server_name': ({ connection }) => connection.tls?.serverName ?? '',
  'xds.route_name': ({ route }) => route?.key ?? '',
  'response.code': ({ status }) => status,
} as const satisfies Readonly<Record<string, (exchange: Exchange) => AttributeValue>>;

function socketAddress(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
