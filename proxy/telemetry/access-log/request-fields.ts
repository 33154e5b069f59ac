// The value of each field of the access log for a request.
import { gatewayOfListener } from '#api/ir/listener-key.ts';
import { REQUEST_HEADER, RESPONSE_HEADER } from '#api/access-log/fields.ts';
import type { LogFormat } from '#api/access-log/format.ts';
import type { ClientCertificate, DownstreamTls, Exchange } from '../../exchange/exchange.ts';
import { joinHeader } from '../../exchange/headers.ts';
import { loggedBody, type BodyStart } from '../../exchange/logged-bodies.ts';
import type { Redactor } from '#lib/redaction/redactor.ts';
import { endpointReader, ruleOf, routeNameOf } from './origin.ts';
import type { Reader, ReaderOf } from './line.ts';

type Fields = Readonly<Record<string, Reader<Exchange>>>;

/** Fields that are headers of the request. */
const NAMED_HEADERS: Readonly<Record<string, string>> = {
  requestId: 'x-request-id',
  userAgent: 'user-agent',
  referer: 'referer',
  forwardedFor: 'x-forwarded-for',
};

/** The request headers in the lines of a format, lower case. The exchange keeps them before filters change them. */
export function loggedHeaders(format: LogFormat): readonly string[] {
  const fields = format.kind === 'json' ? format.fields : format.parts.flatMap((part) => ('field' in part ? [part.field] : []));
  const headers = fields.flatMap((name) => {
    const header = NAMED_HEADERS[name] ?? (name.startsWith(REQUEST_HEADER) ? name.slice(REQUEST_HEADER.length) : null);
    return header === null ? [] : [header];
  });
  return [...new Set(headers)];
}

/** Keeps the values of these headers in the exchange, in the same order. */
export function keepHeaders(exchange: Exchange, names: readonly string[]): void {
  // A growing list would reserve room for 17 values.
  const values = new Array<string | null>(names.length);
  for (let i = 0; i < names.length; i++) values[i] = joinHeader(exchange.requestHeaders, names[i] as string);
  exchange.loggedHeaders = values;
}

/** The readers of a format whose logged headers are `headers`. */
export function requestReaders(headers: readonly string[], redactor: Redactor): ReaderOf<Exchange> {
  const endpoint = endpointReader();
  const fields: Fields = {
    ...REQUEST,
    ...TIMES,
    ...ORIGIN,
    ...OUTCOME,
    ...CALLER,
    ...TRACE,
    ...TLS,
    ...messageFieldsOf(redactor),
    endpoint: { kind: 'safe', read: ({ attempt }) => endpoint(attempt?.endpoint ?? null) },
  };
  return (name) => {
    if (name.startsWith(RESPONSE_HEADER)) return responseHeader(name.slice(RESPONSE_HEADER.length));
    const header = NAMED_HEADERS[name] ?? (name.startsWith(REQUEST_HEADER) ? name.slice(REQUEST_HEADER.length) : null);
    if (header === null) return fields[name] ?? null;
    return requestHeader(name, headers.indexOf(header));
  };
}

function requestHeader(field: string, place: number): Reader<Exchange> {
  const read = ({ loggedHeaders: kept }: Exchange): string | null => (kept === null ? null : (kept[place] as string | null));
  const secrets = field.startsWith(REQUEST_HEADER) ? field.slice(REQUEST_HEADER.length) : '';
  if (field === 'requestId')
    return { kind: 'varied', read: (exchange) => (exchange.requestId === '' ? read(exchange) : exchange.requestId), secrets };
  if (field !== 'referer') return { kind: field === 'userAgent' ? 'text' : 'long', read, secrets };
  return { kind: 'long', read: (exchange) => withoutQuery(read(exchange)), secrets };
}

/** Removes the query, since queries often contain tokens. */
function withoutQuery(url: string | null): string | null {
  const query = url === null ? -1 : url.indexOf('?');
  return query < 0 ? url : (url as string).slice(0, query);
}

function responseHeader(name: string): Reader<Exchange> {
  return { kind: 'long', read: ({ responseHeaders }) => joinHeader(responseHeaders, name), secrets: name };
}

/** Whole heads and the beginnings of bodies. */
function messageFieldsOf(redactor: Redactor): Fields {
  const headersText = (headers: readonly string[]): string => JSON.stringify(headerObject(redactor.headers(headers)));
  const bodyText = (body: BodyStart | null): string | null => (body === null ? null : redactor.body(body.type, body.text));
  return {
    requestHeaders: { kind: 'body', read: ({ requestHeaders }) => headersText(requestHeaders) },
    responseHeaders: { kind: 'body', read: ({ responseHeaders }) => headersText(responseHeaders) },
    requestBody: { kind: 'body', read: (exchange) => bodyText(loggedBody(exchange, 'request')) },
    responseBody: { kind: 'body', read: (exchange) => bodyText(loggedBody(exchange, 'response')) },
  };
}

/** Several lines of one name are one value with commas. */
function headerObject(headers: readonly string[]): Readonly<Record<string, string>> {
  const names = new Set(headers.filter((_, i) => i % 2 === 0));
  return Object.fromEntries(Array.from(names, (name) => [name, joinHeader(headers, name) ?? '']));
}

const VERSIONS: Readonly<Record<number, string>> = { 10: 'HTTP/1.0', 11: 'HTTP/1.1', 20: 'HTTP/2.0' };

const REQUEST: Fields = {
  method: { kind: 'text', read: ({ method }) => method },
  scheme: { kind: 'safe', read: ({ scheme }) => scheme },
  authority: { kind: 'long', read: ({ requestedAuthority }) => requestedAuthority, secrets: '' },
  path: { kind: 'varied', read: ({ requestedPath }) => requestedPath, secrets: '' },
  query: { kind: 'varied', read: ({ query }) => query, secrets: '' },
  requestBytes: { kind: 'number', read: ({ requestBytes }) => requestBytes },
  remoteAddress: { kind: 'safe', read: ({ connection }) => connection.remoteAddress },
  remotePort: { kind: 'varied-number', read: ({ connection }) => connection.remotePort },
  clientAddress: { kind: 'safe', read: ({ client }) => (client === null ? null : client.address) },
  client: { kind: 'safe', read: (exchange) => exchange.clientAddress },
  localPort: { kind: 'number', read: ({ connection }) => connection.localPort },
  protocol: { kind: 'safe', read: ({ connection }) => connection.protocol },
  httpVersion: { kind: 'safe', read: ({ version }) => VERSIONS[version] ?? null },
};

const TIMES: Fields = {
  time: { kind: 'moment', read: (_, moment) => moment.iso(moment.now) },
  startTime: { kind: 'varied', read: (_, moment) => moment.iso(Math.round(moment.now - moment.ms)) },
  commonTime: { kind: 'moment', read: (_, moment) => moment.common(moment.now) },
  durationMs: { kind: 'ms', read: (_, { ms }) => ms },
  headMs: { kind: 'ms', read: ({ headAt }) => (headAt < 0 ? null : headAt) },
  queueMs: { kind: 'ms', read: ({ attempt }) => (attempt === null ? null : between(attempt.beganAt, attempt.sentAt)) },
  connectMs: { kind: 'ms', read: ({ attempt }) => (attempt === null || attempt.connectMs < 0 ? null : attempt.connectMs) },
  firstByteMs: { kind: 'ms', read: ({ attempt }) => (attempt === null ? null : between(attempt.sentAt, attempt.headAt)) },
  upstreamMs: { kind: 'ms', read: ({ attempt }) => (attempt === null ? null : between(attempt.beganAt, attempt.endedAt)) },
};

/** Milliseconds between two times; null if one of them is missing. */
function between(from: number, to: number): number | null {
  return from === 0 || to === 0 ? null : to - from;
}

/** JSON; '' without any. */
function fieldsText(fields: ReadonlyMap<string, string> | null): string {
  return fields === null || fields.size === 0 ? '' : JSON.stringify(Object.fromEntries(fields));
}

const ORIGIN: Fields = {
  route: { kind: 'long', read: ({ route }) => (route === null ? null : route.key) },
  routeName: { kind: 'long', read: ({ route }) => (route === null ? null : routeNameOf(route.key)) },
  rule: { kind: 'number', read: ({ route }) => (route === null ? null : ruleOf(route.key)) },
  listener: { kind: 'long', read: ({ listener }) => listener },
  gateway: { kind: 'long', read: ({ listener }) => (listener === '' ? null : gatewayOfListener(listener)) },
};

const TRACE: Fields = {
  traceId: { kind: 'varied', read: ({ trace }) => (trace === null ? null : trace.traceId) },
  spanId: { kind: 'varied', read: ({ trace }) => (trace === null ? null : trace.spanId) },
};

const OUTCOME: Fields = {
  status: { kind: 'number', read: ({ status }) => status },
  responseBytes: { kind: 'varied-number', read: ({ responseBytes }) => responseBytes },
  attempts: { kind: 'number', read: ({ attempts }) => (attempts > 1 ? attempts : null) },
  retryReasons: { kind: 'safe', read: ({ retryReasons }) => (retryReasons === null ? null : retryReasons.join(',')) },
  retryWithheld: { kind: 'safe', read: ({ retryWithheld }) => retryWithheld },
  cacheOutcome: { kind: 'safe', read: ({ cacheOutcome }) => (cacheOutcome === '' ? null : cacheOutcome) },
  grpcStatus: { kind: 'number', read: ({ grpcStatus }) => (grpcStatus < 0 ? null : grpcStatus) },
  messageFields: { kind: 'long', read: ({ messageFields }) => fieldsText(messageFields), secrets: '' },
  messagesReceived: { kind: 'number', read: ({ webSocket }) => (webSocket === null ? null : webSocket.received) },
  messagesSent: { kind: 'number', read: ({ webSocket }) => (webSocket === null ? null : webSocket.sent) },
  closeCode: { kind: 'number', read: ({ webSocket }) => (webSocket === null || webSocket.close.code <= 0 ? null : webSocket.close.code) },
  closedBy: { kind: 'safe', read: ({ webSocket }) => (webSocket === null ? null : webSocket.close.by) },
  error: { kind: 'safe', read: ({ error }) => (error === null ? null : error.code) },
  fault: { kind: 'safe', read: ({ fault }) => (fault === '' ? null : fault) },
  // The detail may contain text of peers.
  errorDetail: { kind: 'detail', read: ({ error }) => (error === null ? null : error.detail), secrets: '' },
};

const CALLER: Fields = {
  // Issuers and clients choose names.
  principal: { kind: 'text', read: ({ principal }) => (principal === null ? null : principal.id) },
  principalMethod: { kind: 'safe', read: ({ principal }) => (principal === null ? null : principal.method) },
  consumer: { kind: 'long', read: ({ principal }) => (principal === null || principal.consumer === '' ? null : principal.consumer) },
};

/** A value of the handshake. */
function ofTls(read: (tls: DownstreamTls) => string): (exchange: Exchange) => string | null {
  return ({ connection: { tls } }) => (tls === null ? null : read(tls));
}

/** A value of the client certificate, verified or not. */
function ofClient<Value>(read: (certificate: ClientCertificate) => Value | null): (exchange: Exchange) => Value | null {
  return ({ connection: { tls } }) => (tls === null || tls.clientCertificate === null ? null : read(tls.clientCertificate));
}

const TLS: Fields = {
  serverName: { kind: 'long', read: ofTls(({ serverName }) => serverName) },
  tlsVersion: { kind: 'safe', read: ofTls(({ version }) => version) },
  tlsCipher: { kind: 'safe', read: ofTls(({ cipher }) => cipher) },
  clientVerified: { kind: 'boolean', read: ofClient(({ verified }) => verified) },
  clientProblem: { kind: 'safe', read: ofClient(({ verified, problem }) => (verified ? null : problem)) },
  clientFingerprint: { kind: 'safe', read: ofClient(({ fingerprint }) => fingerprint) },
  clientSubject: { kind: 'text', read: ofClient(({ subject }) => subject) },
  clientSubjectAltName: { kind: 'long', read: ofClient(({ subjectAltName }) => subjectAltName) },
};
