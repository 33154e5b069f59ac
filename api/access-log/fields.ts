// The fields of the access log: the same names in flags, templates, GatewayParameters, JSON lines and docs/reference/access-log.md.

/** Which lines a field is in: those of requests, of connections that are passed on as a whole (TCP, TLS, UDP), or both. */
export type FieldScope = 'request' | 'stream' | 'both';

/** One field. */
export interface LogField {
  readonly name: string;
  readonly scope: FieldScope;
  readonly type: 'text' | 'number' | 'boolean' | 'time';
  /** '' where numbers count things. */
  readonly unit: '' | 'ms' | 'bytes';
  /** A JSON line has it unless other fields are chosen. */
  readonly byDefault: boolean;
  readonly example: string;
  /** One sentence; the documentation has the same. */
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
  field('startTime', '2026-11-29T15:02:11.013Z', 'Its beginning, UTC.', { ...ANY, type: 'time' }),
  field('commonTime', '29/Nov/2026:15:02:11 +0000', 'The end as the Common Log Format writes it.', { ...ANY, type: 'time' }),
  field('requestId', '7f6c1f0e', 'The header X-Request-ID of the client; absent without one.', LISTED),
  field('method', 'GET', 'The method of the request.', LISTED),
  field('scheme', 'https', 'http or https, as the client sees it.'),
  field('authority', 'shop.example.com', 'The host that was asked for, before any filter changes it.', LISTED),
  field('path', '/cart', 'The path that was asked for, before any filter changes it, without the query.', LISTED),
  field('status', '200', 'The status of the answer.', { ...LISTED, ...NUMBER }),
  field('durationMs', '28.402', 'From the first byte of the request to the end of the answer, or the life of the connection.', {
    ...ANY,
    ...LISTED,
    ...MS,
  }),
  field('headMs', '27.9', 'From the first byte of the request to the head of the answer; absent without one.', { ...LISTED, ...MS }),
  field('queueMs', '0.8', 'How long the last attempt waited for a connection to the endpoint; a new connection is part of it.', MS),
  field('connectMs', '0.614', 'How long the connection to the endpoint took; absent where the request came onto a kept one.', {
    ...ANY,
    ...LISTED,
    ...MS,
  }),
  field('firstByteMs', '26.1', 'From the sending of the request on its connection to the head of the answer, of the last attempt.', MS),
  field('upstreamMs', '27.3', 'From the beginning of the last attempt to its end.', MS),
  field('requestBytes', '0', 'Bytes of the body of the request.', { ...LISTED, ...BYTES }),
  field('responseBytes', '5120', 'Bytes of the body of the answer.', { ...LISTED, ...BYTES }),
  field('receivedBytes', '1024', 'Bytes from the client.', { scope: 'stream', ...LISTED, ...BYTES }),
  field('sentBytes', '40960', 'Bytes to the client.', { scope: 'stream', ...LISTED, ...BYTES }),
  field('remoteAddress', '192.0.2.7', 'The address of the peer.', { ...ANY, ...LISTED }),
  field('remotePort', '51234', 'The port of the peer.', NUMBER),
  field('clientAddress', '203.0.113.9', 'The address of the client where trusted proxies in front tell of it.', LISTED),
  field('client', '203.0.113.9', 'The clientAddress, or the remoteAddress without one.', ANY),
  field('localPort', '443', 'The port of the listener.', NUMBER),
  field('protocol', 'http/1.1', 'http/1.1, h2, tcp, tls or udp.', { ...ANY, ...LISTED }),
  field('httpVersion', 'HTTP/1.1', 'The version as request lines write it.'),
  field('route', 'HTTPRoute/shop/cart/0', 'The rule, as <kind>/<namespace>/<name>/<rule>; the label route of metrics.', {
    ...ANY,
    ...LISTED,
  }),
  field('routeName', 'shop/cart', 'As <namespace>/<name>, the route.', ANY),
  field('rule', '0', 'The place of the rule in its route, from 0.', { ...ANY, ...NUMBER }),
  field(
    'listener',
    'infra/edge/https',
    'As <namespace>/<gateway>/<listener>, with <namespace>/<name> of a ListenerSet in between; the label listener of metrics.',
    { ...ANY, ...LISTED },
  ),
  field('gateway', 'infra/edge', 'As <namespace>/<name>, the Gateway of the listener; the label gateway of metrics.', ANY),
  field('endpoint', '10.0.4.17:8080', 'The endpoint of the last attempt.', { ...ANY, ...LISTED }),
  field('attempts', '2', 'How many endpoints were tried; JSON lines leave it out below 2.', { ...ANY, ...LISTED, ...NUMBER }),
  field('grpcStatus', '14', 'The status of a gRPC call, 0 to 16.', { ...LISTED, ...NUMBER }),
  field('messagesReceived', '12', 'Messages from the client of a WebSocket.', { ...LISTED, ...NUMBER }),
  field('messagesSent', '340', 'Messages to the client of a WebSocket.', { ...LISTED, ...NUMBER }),
  field('closeCode', '1001', 'The close code of a WebSocket.', { ...LISTED, ...NUMBER }),
  field('closedBy', 'client', 'The side that ended a WebSocket or connection first: client, backend or proxy.', { ...ANY, ...LISTED }),
  field('error', 'upstream_reset', 'Why the request or connection failed, or why the proxy answered by itself: a code of errors.md.', {
    ...ANY,
    ...LISTED,
  }),
  field('errorDetail', 'ECONNRESET', 'What exactly happened, where the code leaves it open.', { ...ANY, ...LISTED }),
  field('serverName', 'shop.example.com', 'The server name of the TLS handshake (SNI).', { ...ANY, ...LISTED }),
  field('tlsVersion', 'TLSv1.3', 'The version of TLS; absent in the clear.', { ...ANY, ...LISTED }),
  field('tlsCipher', 'TLS_AES_128_GCM_SHA256', 'The cipher suite of TLS.', ANY),
  field('clientVerified', 'true', 'Whether the certificate of the client leads to an authority of the listener.', {
    ...LISTED,
    type: 'boolean',
  }),
  field('clientProblem', 'CERT_HAS_EXPIRED', 'Why it does not, as the code of OpenSSL.', LISTED),
  field('clientFingerprint', '9f86d081884c7d65', 'SHA-256 of the certificate of the client, hexadecimal.', LISTED),
  field('clientSubject', 'CN=alice', 'The subject of the certificate of the client.', LISTED),
  field('clientSubjectAltName', 'DNS:alice.example', 'The subject alternative names of the certificate of the client.', LISTED),
  field('userAgent', 'curl/8.5.0', 'The header User-Agent of the client.', LISTED),
  field('referer', 'https://shop.example.com/', 'The header Referer of the client, without the query.'),
  field('forwardedFor', '203.0.113.9', 'The header X-Forwarded-For as it came, before the proxy adds to it.'),
];

const BY_NAME: ReadonlyMap<string, LogField> = new Map(LOG_FIELDS.map((entry) => [entry.name, entry]));

/** The field of a name, or undefined. Not those of headers. */
export function logField(name: string): LogField | undefined {
  return BY_NAME.get(name);
}

/** Names of the fields that a JSON line has where none are chosen. */
export const DEFAULT_FIELDS: readonly string[] = LOG_FIELDS.filter(({ byDefault }) => byDefault).map(({ name }) => name);

/** Beginnings of the names of fields that are headers: `requestHeader.x-tenant`. */
export const REQUEST_HEADER = 'requestHeader.';
export const RESPONSE_HEADER = 'responseHeader.';

/** Headers that carry credentials: a log is no place for them. */
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
