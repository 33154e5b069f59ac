// The attributes of an exchange that a processor asks for, with Envoy's names.
import type { Exchange } from '../../exchange/exchange.ts';
import { getHeader } from '../../exchange/headers.ts';
import type { Attributes } from './messages.ts';
import type { ProcessorSettings } from './modes.ts';

export type AttributeName = NonNullable<ProcessorSettings['requestAttributes']>[number];

const PROTOCOLS: Readonly<Record<number, string>> = { 10: 'HTTP/1.0', 11: 'HTTP/1.1', 20: 'HTTP/2' };

const READERS: Readonly<Record<AttributeName, (exchange: Exchange) => string | number | boolean>> = {
  'request.path': ({ path, query, hasQuery }) => (hasQuery ? `${path}?${query}` : path),
  'request.url_path': ({ path }) => path,
  'request.query': ({ query }) => query,
  'request.host': ({ authority }) => authority,
  'request.scheme': ({ scheme }) => scheme,
  'request.method': ({ method }) => method,
  'request.protocol': ({ version }) => PROTOCOLS[version] ?? 'HTTP/1.1',
  'request.size': ({ requestLength }) => Math.max(0, requestLength),
  'request.id': ({ requestHeaders }) => getHeader(requestHeaders, 'x-request-id') ?? '',
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
};

/** The name of the filter that attributes belong to. */
const NAMESPACE = 'envoy.filters.http.ext_proc';

/** The attributes for a message; nothing without names. */
export function attributesOf(
  names: readonly AttributeName[],
  exchange: Exchange,
): { readonly attributes?: Readonly<Record<string, Attributes>> } {
  if (names.length === 0) return {};
  const fields = Object.fromEntries(names.map((name) => [name, valueOf(READERS[name](exchange))]));
  return { attributes: { [NAMESPACE]: { fields } } };
}

function valueOf(value: string | number | boolean): Attributes['fields'][string] {
  if (typeof value === 'string') return { stringValue: value };
  return typeof value === 'number' ? { numberValue: value } : { boolValue: value };
}

function socketAddress(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
