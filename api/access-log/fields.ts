// The fields of the access log. Flags, templates, GatewayParameters, JSON lines and docs/reference/access-log.md use these names.

/** The lines with a field: of requests, of streams (connections that are passed on as TCP, TLS or UDP), or both. */
export type FieldScope = 'request' | 'stream' | 'both';

/** A field of the access log. */
export interface LogField {
  readonly name: string;
  readonly scope: FieldScope;
  readonly type: 'text' | 'number' | 'boolean' | 'time';
  /** '' for texts and plain counts. */
  readonly unit: '' | 'ms' | 'bytes';
  /** Whether the field is a default field of JSON lines. */
  readonly byDefault: boolean;
  readonly example: string;
  /** The description in the documentation, one sentence. */
  readonly text: string;
}

type Details = Partial<Pick<LogField, 'scope' | 'type' | 'unit' | 'byDefault'>>;

function field(name: string, example: string, text: string, details: Details = {}): LogField {
  return { name, scope: 'request', type: 'text', unit: '', byDefault: false, example, text, ...details };
}

const LISTED = { byDefault: true } as const;
const ANY = { scope: 'both' } as const;
const NUMBER = { type: 'number' } as const;
const MS = { type: 'number', unit: 'ms' } as const;
const BYTES = { type: 'number', unit: 'bytes' } as const;

/** All fields, in the order of a JSON line. */
export const LOG_FIELDS: readonly LogField[] = [
  field('time', '2026-11-29T15:02:11.042Z', 'The end of the request or connection, UTC.', { ...ANY, ...LISTED, type: 'time' }),
  field('startTime', '2026-11-29T15:02:11.013Z', 'The start of the request or connection, UTC.', { ...ANY, type: 'time' }),
  field('commonTime', '29/Nov/2026:15:02:11 +0000', 'The end as the Common Log Format writes it.', { ...ANY, type: 'time' }),
  field(
    'requestId',
    '7f6c1f0e',
    'The id of the request by a policy, or else the header X-Request-ID of the client; absent without one.',
    LISTED,
  ),
  field('traceId', '4bf92f3577b34da6a3ce929d0e0e4736', 'The trace of the request; absent without tracing.', LISTED),
  field('spanId', '00f067aa0ba902b7', 'The span of the request in its trace; absent without tracing.', LISTED),
  field('method', 'GET', 'The method of the request.', LISTED),
  field('scheme', 'https', 'http or https, as the client sees it.'),
  field('authority', 'shop.example.com', 'The host of the request, before filters change it.', LISTED),
  field('path', '/cart', 'The path of the request, before filters change it, without the query.', LISTED),
  field('query', 'page=2&token=[redacted]', 'The query of the request, after filters change it, without secrets.'),
  field('status', '200', 'The status of the answer.', { ...LISTED, ...NUMBER }),
  field('durationMs', '28.402', 'From the first byte of the request to the end of the answer, or the life of the connection.', {
    ...ANY,
    ...LISTED,
    ...MS,
  }),
  field('headMs', '27.9', 'From the first byte of the request to the head of the answer; absent without one.', { ...LISTED, ...MS }),
  field(
    'queueMs',
    '0.8',
    'How long the last attempt waited for a connection to the endpoint, including the time for a new connection.',
    MS,
  ),
  field('connectMs', '0.614', 'How long the connection to the endpoint took; absent if the request used an open connection.', {
    ...ANY,
    ...LISTED,
    ...MS,
  }),
  field('firstByteMs', '26.1', 'Of the last attempt: from the start of the request on its connection to the head of the answer.', MS),
  field('upstreamMs', '27.3', 'From the start of the last attempt to its end.', MS),
  field('requestBytes', '0', 'Bytes of the body of the request.', { ...LISTED, ...BYTES }),
  field('responseBytes', '5120', 'Bytes of the body of the answer.', { ...LISTED, ...BYTES }),
  field('receivedBytes', '1024', 'Bytes from the client.', { scope: 'stream', ...LISTED, ...BYTES }),
  field('sentBytes', '40960', 'Bytes to the client.', { scope: 'stream', ...LISTED, ...BYTES }),
  field('remoteAddress', '192.0.2.7', 'The address of the peer.', { ...ANY, ...LISTED }),
  field('remotePort', '51234', 'The port of the peer.', NUMBER),
  field('clientAddress', '203.0.113.9', 'The address of the client that trusted proxies report; absent without one.', LISTED),
  field('client', '203.0.113.9', 'The clientAddress, or the remoteAddress without one.', ANY),
  field('localPort', '443', 'The port of the listener.', NUMBER),
  field('protocol', 'http/1.1', 'http/1.1, h2, tcp, tls or udp.', { ...ANY, ...LISTED }),
  field('httpVersion', 'HTTP/1.1', 'The version as request lines write it.'),
  field('route', 'HTTPRoute/shop/cart/0', 'The rule as <kind>/<namespace>/<name>/<rule>; equals the label route of metrics.', {
    ...ANY,
    ...LISTED,
  }),
  field('routeName', 'shop/cart', 'The route as <namespace>/<name>.', ANY),
  field('rule', '0', 'The index of the rule in its route, from 0.', { ...ANY, ...NUMBER }),
  field(
    'listener',
    'infra/edge/https',
    'The listener as <namespace>/<gateway>/<listener>, with <namespace>/<name> of a ListenerSet in between; equals the label listener of metrics.',
    { ...ANY, ...LISTED },
  ),
  field('gateway', 'infra/edge', 'The Gateway of the listener as <namespace>/<name>; equals the label gateway of metrics.', ANY),
  field('endpoint', '10.0.4.17:8080', 'The endpoint of the last attempt.', { ...ANY, ...LISTED }),
  field('attempts', '2', 'The number of attempts; JSON lines omit it below 2.', { ...ANY, ...LISTED, ...NUMBER }),
  field(
    'retryReasons',
    'upstream_reset,503',
    'Why each further attempt was made: codes of errors.md, statuses, hedge, or fallback.',
    LISTED,
  ),
  field('retryWithheld', 'body', 'Why no further attempt was made though one is allowed: body, budget, deadline or retry_after.', LISTED),
  field(
    'cacheOutcome',
    'hit',
    'What the cache of the route did: hit, stale, validated, collapsed, miss or bypass; absent without one.',
    LISTED,
  ),
  field('grpcStatus', '14', 'The status of a gRPC call, 0 to 16.', { ...LISTED, ...NUMBER }),
  field('messageFields', '{"request.id":"a"}', 'The fields of messages of gRPC that a policy logs, as JSON; absent without any.', LISTED),
  field('messagesReceived', '12', 'Messages from the client of a WebSocket.', { ...LISTED, ...NUMBER }),
  field('messagesSent', '340', 'Messages to the client of a WebSocket.', { ...LISTED, ...NUMBER }),
  field('closeCode', '1001', 'The close code of a WebSocket.', { ...LISTED, ...NUMBER }),
  field('closedBy', 'client', 'The side that ended a WebSocket or connection first: client, backend or proxy.', { ...ANY, ...LISTED }),
  field('error', 'upstream_reset', 'Why the request or connection failed, or why the proxy answered by itself: a code of errors.md.', {
    ...ANY,
    ...LISTED,
  }),
  field('errorDetail', 'ECONNRESET', 'The exact cause, if the code has several.', { ...ANY, ...LISTED }),
  field('fault', 'delay', 'The faults that a policy injected: delay, abort, or both with a comma between; absent without one.', LISTED),
  field(
    'principal',
    'alice',
    'The authenticated caller: the subject of a token, a user name or a name of a Consumer; absent without one.',
    LISTED,
  ),
  field('principalMethod', 'jwt', 'How the caller was authenticated; absent without authentication.', LISTED),
  field('consumer', 'shop/mobile-app', 'The Consumer of the caller as <namespace>/<name>; absent without one.', LISTED),
  field('serverName', 'shop.example.com', 'The server name of the TLS handshake (SNI).', { ...ANY, ...LISTED }),
  field('tlsVersion', 'TLSv1.3', 'The version of TLS; absent without TLS.', { ...ANY, ...LISTED }),
  field('tlsCipher', 'TLS_AES_128_GCM_SHA256', 'The cipher suite of TLS.', ANY),
  field('clientVerified', 'true', 'Whether the certificate of the client passes verification by the authorities of the listener.', {
    ...LISTED,
    type: 'boolean',
  }),
  field('clientProblem', 'CERT_HAS_EXPIRED', 'Why the certificate of the client does not pass, as the code of OpenSSL.', LISTED),
  field('clientFingerprint', '9f86d081884c7d65', 'SHA-256 of the certificate of the client, hexadecimal.', LISTED),
  field('clientSubject', 'CN=alice', 'The subject of the certificate of the client.', LISTED),
  field('clientSubjectAltName', 'DNS:alice.example', 'The subject alternative names of the certificate of the client.', LISTED),
  field('userAgent', 'curl/8.5.0', 'The header User-Agent of the client.', LISTED),
  field('referer', 'https://shop.example.com/', 'The header Referer of the client, without the query.'),
  field('requestHeaders', '{"host":"a"}', 'All headers of the request as JSON, after filters change them, without secrets.'),
  field('responseHeaders', '{"age":"1"}', 'All headers of the answer as JSON, without secrets.'),
  field('requestBody', '{"id":7}', 'The beginning of the body of the request, without secrets, if a policy logs it.'),
  field('responseBody', '{"id":7}', 'The beginning of the body of the answer, without secrets, if a policy logs it.'),
  field('forwardedFor', '203.0.113.9', 'The header X-Forwarded-For of the client, before the proxy adds to it.'),
];

const BY_NAME: ReadonlyMap<string, LogField> = new Map(LOG_FIELDS.map((entry) => [entry.name, entry]));

/** The field with this name, or undefined; fields of headers are not in the list. */
export function logField(name: string): LogField | undefined {
  return BY_NAME.get(name);
}

/** Names of the default fields of JSON lines. */
export const DEFAULT_FIELDS: readonly string[] = LOG_FIELDS.filter(({ byDefault }) => byDefault).map(({ name }) => name);

/** Prefixes of the fields of headers: `requestHeader.x-tenant`. */
export const REQUEST_HEADER = 'requestHeader.';
export const RESPONSE_HEADER = 'responseHeader.';

/** Headers with credentials, which a log must not contain. */
export const CREDENTIAL_HEADERS: readonly string[] = [
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
  'api-key',
  'x-auth-token',
  'x-amz-security-token',
  'x-csrf-token',
  'x-xsrf-token',
];
