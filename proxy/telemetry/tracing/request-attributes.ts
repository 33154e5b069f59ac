// The attributes of the span of a request, by the conventions of OpenTelemetry for HTTP servers and RPC, and Weir's own below `weir.`. Texts of
// clients are cut. The query is left out, since queries often contain tokens.
import { gatewayOfListener } from '#api/ir/listener-key.ts';
import type { Value } from '#lib/otlp/records.ts';
import type { Redactor } from '#lib/redaction/redactor.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { getHeader } from '../../exchange/headers.ts';
import type { TracedAttribute } from '../../exchange/tracing.ts';
import { paths } from './last-redaction.ts';
import { isKnownMethod, OTHER_METHOD } from './names.ts';

/** Longer texts are cut. */
export const MAX_TEXT = 256;
export const MAX_PATH = 1_024;

const VERSIONS: Readonly<Record<number, string>> = { 10: '1.0', 11: '1.1', 20: '2' };
const DEFAULT_PORTS = { http: 80, https: 443 } as const;

export function requestAttributes(to: Value[], exchange: Exchange, own: readonly TracedAttribute[], redactor: Redactor): void {
  addRequest(to, exchange, redactor);
  addPeers(to, exchange);
  if (exchange.grpc) addCall(to, exchange);
  addOrigin(to, exchange);
  addOutcome(to, exchange);
  for (const { name, header, value } of own) {
    const text = header === null ? value : headerText(exchange, header, redactor);
    if (text !== null) to.push(name, text);
  }
}

/** Method and version: the same for the request and its attempts. */
export function addMethod(to: Value[], method: string): void {
  if (isKnownMethod(method)) to.push('http.request.method', method);
  else to.push('http.request.method', OTHER_METHOD, 'http.request.method_original', cut(method, MAX_TEXT));
}

export function addVersion(to: Value[], version: number): void {
  to.push('network.protocol.version', VERSIONS[version] ?? '1.1');
}

/** Service and method of the path of a call. */
export function addRpc(to: Value[], path: string): void {
  const slash = path.lastIndexOf('/');
  to.push('rpc.system', 'grpc', 'rpc.service', cut(path.slice(1, slash), MAX_TEXT), 'rpc.method', cut(path.slice(slash + 1), MAX_TEXT));
}

/** Service, method and status of a call. */
export function addCall(to: Value[], { path, grpcStatus }: Exchange): void {
  addRpc(to, path);
  if (grpcStatus >= 0) to.push('rpc.grpc.status_code', grpcStatus);
}

function headerText({ requestHeaders }: Exchange, name: string, redactor: Redactor): string | null {
  const value = getHeader(requestHeaders, name);
  return value === null ? null : redactor.header(name, cut(value, MAX_TEXT));
}

export function cut(text: string, length: number): string {
  return text.length > length ? text.slice(0, length) : text;
}

function addRequest(to: Value[], exchange: Exchange, redactor: Redactor): void {
  const { method, scheme, requestedPath, version, host, requestedAuthority } = exchange;
  addMethod(to, method);
  to.push('url.scheme', scheme, 'url.path', paths.of(cut(requestedPath, MAX_PATH), redactor));
  if (host !== '') to.push('server.address', cut(host, MAX_TEXT), 'server.port', portOf(requestedAuthority) ?? DEFAULT_PORTS[scheme]);
  addVersion(to, version);
  const agent = getHeader(exchange.requestHeaders, 'user-agent');
  if (agent !== null) to.push('user_agent.original', redactor.text(cut(agent, MAX_TEXT)));
  if (exchange.requestBytes > 0) to.push('http.request.body.size', exchange.requestBytes);
}

/** The port of an authority; null without one. */
function portOf(authority: string): number | null {
  const port = /:([0-9]{1,5})$/.exec(authority)?.[1];
  return port === undefined ? null : Number(port);
}

function addPeers(to: Value[], { clientAddress, connection }: Exchange): void {
  to.push('client.address', clientAddress, 'network.peer.address', connection.remoteAddress, 'network.peer.port', connection.remotePort);
}

function addOrigin(to: Value[], { listener, route, requestId }: Exchange): void {
  if (listener !== '') to.push('weir.gateway', gatewayOfListener(listener), 'weir.listener', listener);
  if (route !== null) {
    to.push('weir.route', route.key);
    if (route.pathTemplate !== '') to.push('http.route', route.pathTemplate);
  }
  if (requestId !== '') to.push('weir.request.id', requestId);
}

function addOutcome(to: Value[], { status, responseBytes, error, attempts, fault }: Exchange): void {
  if (status > 0) to.push('http.response.status_code', status);
  if (responseBytes > 0) to.push('http.response.body.size', responseBytes);
  if (error !== null) to.push('weir.error', error.code);
  if (attempts > 1) to.push('weir.attempts', attempts);
  if (fault !== '') to.push('weir.fault', fault);
}
