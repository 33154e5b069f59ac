// Connections that fail in some phase of some protocol: the bytes they send, their end, and their expected code.
import { END_HEADERS, END_STREAM, frame, get as h2Get, literals, numbers, post as h2Post, PREFACE, TYPE } from '../support/h2-frames.ts';
import { get, post } from '../support/requests.ts';

/** One connection. */
export interface Life {
  readonly what: string;
  readonly on: 'http' | 'https' | 'tcp' | 'nowhere';
  /** Starts with a TLS handshake. */
  readonly tls?: true;
  readonly send: Buffer;
  /** When it ends: after all is sent, when the backend has the request, after the first bytes or the end of an answer, or it `waits`. */
  readonly when: 'sent' | 'request' | 'bytes' | 'answer' | 'waits';
  /** Bytes to send at that moment, below TLS if it is used. */
  readonly then?: Buffer;
  /** `waits`: the proxy ends it. */
  readonly ends: 'reset' | 'end' | 'waits' | 'backend-resets';
  /** The expected count, `metric label`; none if the failure has no code. */
  readonly counts: readonly string[];
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const NONE: readonly string[] = [];
const error = (code: string): readonly string[] => [`weir_errors_total ${code}`];
const stream = (code: string): readonly string[] => [`weir_stream_failures_total ${code}`];
const handshake = (reason: string): readonly string[] => [`weir_tls_handshakes_total ${reason}`];
const connection = (side: string, code: string): string => `weir_http2_connection_errors_total ${side} ${code}`;

type Rest = Partial<Life>;

function life(what: string, on: Life['on'], send: string | Buffer, counts: readonly string[], rest: Rest): Life {
  return { what, on, send: typeof send === 'string' ? bytes(send) : send, when: 'sent', ends: 'waits', counts, ...rest };
}

const UPGRADE = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
const CHUNKED = 'POST /never HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
/** The beginning of a body that is enough for the request to be sent on. */
const HALF_BODY = post('x'.repeat(100_000), '/never').slice(0, -80_000);
const HELLO = bytes('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03');
const RESET: Rest = { ends: 'reset' };
const END: Rest = { ends: 'end' };
const HALF_WAY: Rest = { when: 'request', ends: 'reset' };

const H1_DOWNSTREAM: readonly Life[] = [
  life('connect and reset', 'http', '', NONE, RESET),
  life('connect and end', 'http', '', NONE, END),
  life('garbage', 'http', 'garbage\r\n\r\n', error('request_malformed'), {}),
  life('a ClientHello where none is due', 'http', HELLO, error('request_malformed'), {}),
  life('half a head and end', 'http', 'GET / HTTP/1.1\r\nHo', error('downstream_reset'), END),
  life('half a head and reset', 'http', 'GET / HTTP/1.1\r\nHo', error('downstream_reset'), RESET),
  life('garbage in a head', 'http', 'GET / HTTP/1.1\r\nHost: a\r\n\0: x\r\n\r\n', error('request_malformed'), {}),
  life('half a body and end', 'http', HALF_BODY, error('downstream_reset'), { when: 'request', ends: 'end' }),
  life('half a body and reset', 'http', HALF_BODY, error('downstream_reset'), HALF_WAY),
  life('garbage for a chunk', 'http', `${CHUNKED}garbage\r\n`, error('request_malformed'), {}),
  life('half a chunk and end', 'http', `${CHUNKED}5\r\nhel`, error('downstream_reset'), { when: 'request', ends: 'end' }),
  life('half a chunk and reset', 'http', `${CHUNKED}5\r\nhel`, error('downstream_reset'), HALF_WAY),
  life('garbage for trailers', 'http', `${CHUNKED}0\r\n\0: x\r\n\r\n`, error('request_malformed'), {}),
  life('garbage after a request', 'http', `${get()}garbage\r\n\r\n`, error('request_malformed'), {}),
  life('reset before the answer', 'http', get('/never'), error('downstream_reset'), HALF_WAY),
  life('reset within the answer', 'http', get('/large'), error('downstream_reset'), { when: 'bytes', ends: 'reset' }),
  life('reset in a WebSocket', 'http', get('/upgrade', UPGRADE), error('downstream_reset'), { when: 'bytes', ends: 'reset' }),
];

const greeted = (...frames: readonly Buffer[]): Buffer => Buffer.concat([PREFACE, frame(TYPE.settings, 0, 0), ...frames]);
const never = h2Get(1, [':path', '/']).subarray(0, 0);
/** A GET of a path; the backend leaves the stream open. */
const ask = (path: string): Buffer =>
  frame(TYPE.headers, END_HEADERS | END_STREAM, 1, literals([':method', 'GET'], [':scheme', 'http'], [':authority', 'a'], [':path', path]));
/** The head of a POST that the backend leaves open. */
const postNever = frame(
  TYPE.headers,
  END_HEADERS,
  1,
  literals([':method', 'POST'], [':scheme', 'http'], [':authority', 'a'], [':path', '/never']),
);
const down = (code: string): readonly string[] => [connection('downstream', code)];
const both = (code: string): readonly string[] => [...error('downstream_reset'), ...down(code)];
const LATER: Rest = { when: 'request' };

const H2_DOWNSTREAM: readonly Life[] = [
  life('half a preface and end', 'http', PREFACE.subarray(0, 20), NONE, END),
  life('half a preface and reset', 'http', PREFACE.subarray(0, 20), NONE, RESET),
  life('garbage within the preface', 'http', 'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n', [connection('downstream', 'protocol_error')], {}),
  life('garbage for SETTINGS', 'http', Buffer.concat([PREFACE, bytes('garbage garbage garbage')]), down('frame_size_error'), {}),
  life('a frame that is too large', 'http', greeted(Buffer.from([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1])), down('frame_size_error'), {}),
  life('half a frame and end', 'http', greeted(ask('/').subarray(0, 12)), down('truncated'), END),
  life('half a frame and reset', 'http', greeted(ask('/').subarray(0, 12)), down('truncated'), RESET),
  life('a header block of garbage', 'http', greeted(frame(TYPE.headers, 5, 1, Buffer.alloc(8, 0xff))), down('compression_error'), {}),
  life('a block that does not end', 'http', greeted(frame(TYPE.headers, 1, 1, never), ask('/')), down('protocol_error'), {}),
  life('a malformed list', 'http', greeted(h2Get(1, ['X-Upper', 'x'])), error('request_malformed'), { when: 'bytes', ends: 'end' }),
  life('DATA of no stream', 'http', greeted(frame(TYPE.data, 0, 0, bytes('x'))), down('protocol_error'), {}),
  life(
    'a body that is longer than its length',
    'http',
    greeted(h2Post(1, ['content-length', '1']), frame(TYPE.data, 1, 1, bytes('xx'))),
    error('request_malformed'),
    {
      when: 'bytes',
      ends: 'end',
    },
  ),
  life('half a body and end', 'http', greeted(postNever, frame(TYPE.data, 0, 1, bytes('xx'))), error('downstream_reset'), {
    when: 'request',
    ends: 'end',
  }),
  life('half a body and reset', 'http', greeted(postNever), error('downstream_reset'), HALF_WAY),
  life('a stream that is reset', 'http', greeted(ask('/never')), error('downstream_reset'), {
    ...LATER,
    then: frame(TYPE.reset, 0, 1, numbers(8)),
    ends: 'end',
  }),
  life('garbage while a request is under way', 'http', greeted(ask('/never')), both('protocol_error'), {
    ...LATER,
    then: frame(TYPE.windowUpdate, 0, 0, numbers(0)),
  }),
  life('a block of garbage while a request is under way', 'http', greeted(ask('/never')), both('compression_error'), {
    ...LATER,
    then: frame(TYPE.headers, 5, 3, Buffer.alloc(8, 0xff)),
  }),
  life('reset before the answer', 'http', greeted(ask('/never')), error('downstream_reset'), HALF_WAY),
  life('reset within the answer', 'http', greeted(ask('/large')), error('downstream_reset'), { when: 'request', ends: 'reset' }),
];

const RECORD = bytes('\x17\x03\x03\x00\x20garbage garbage garbage garbage!');
const TLS: Rest = { tls: true };

const TLS_DOWNSTREAM: readonly Life[] = [
  life('connect and end', 'https', '', handshake('closed'), END),
  life('garbage', 'https', 'garbage garbage', handshake('not_tls'), {}),
  life('HTTP in the clear', 'https', get(), handshake('plain_http'), {}),
  life('half a ClientHello and end', 'https', HELLO, handshake('closed'), END),
  life('half a ClientHello and reset', 'https', HELLO, handshake('closed'), RESET),
  life('a ClientHello of garbage', 'https', bytes(`\x16\x03\x01\x00\x10\x01\x00\x00\x0c${'\xff'.repeat(12)}`), handshake('not_tls'), {}),
  life('a handshake and reset', 'https', '', NONE, { ...TLS, when: 'bytes', ends: 'reset' }),
  life('a handshake and garbage beneath it', 'https', '', NONE, { ...TLS, when: 'bytes', then: RECORD }),
  life('garbage beneath a request', 'https', greeted(ask('/never')), error('downstream_reset'), { ...TLS, ...LATER, then: RECORD }),
  life('reset before the answer', 'https', greeted(ask('/never')), error('downstream_reset'), { ...TLS, ...HALF_WAY }),
  life('garbage within TLS', 'https', 'garbage garbage garbage garbage', down('protocol_error'), TLS),
];

const STREAMS: readonly Life[] = [
  life('a client that resets', 'tcp', 'hold', stream('downstream_reset'), HALF_WAY),
  life('a backend that resets at once', 'tcp', 'reset', stream('upstream_reset'), {}),
  life('a backend that resets later', 'tcp', 'part', stream('upstream_reset'), { when: 'bytes', ends: 'backend-resets' }),
  life('both ends', 'tcp', 'end', NONE, { when: 'request', ends: 'end' }),
  life('a backend that nobody is', 'nowhere', 'x', stream('upstream_connect_failed'), {}),
];

/** Paths of a backend, and the expected outcome of a request for each. */
const H1_UPSTREAM: readonly (readonly [path: string, counts: readonly string[], headers?: string])[] = [
  ['/reset', error('upstream_reset')],
  ['/end', error('upstream_reset')],
  ['/garbage', error('upstream_malformed')],
  ['/head-end', error('upstream_reset')],
  ['/head-reset', error('upstream_reset')],
  ['/head-garbage', error('upstream_malformed')],
  ['/informational-garbage', error('upstream_malformed')],
  ['/body-end', error('upstream_body_truncated')],
  ['/chunks-end', error('upstream_body_truncated')],
  ['/chunks-garbage', error('upstream_malformed')],
  ['/trailers-garbage', error('upstream_malformed')],
  ['/after-garbage', NONE],
  ['/upgrade', error('upstream_malformed')],
];

const up = (code: string): string => connection('upstream', code);
const H2_UPSTREAM: readonly (readonly [path: string, counts: readonly string[]])[] = [
  ['/reset', error('upstream_reset')],
  ['/end', error('upstream_reset')],
  ['/garbage', [...error('upstream_malformed'), up('frame_size_error')]],
  ['/stream-reset', error('upstream_reset')],
  ['/refused', error('upstream_refused')],
  ['/goaway', error('upstream_refused')],
  ['/head-garbage', error('upstream_malformed')],
  ['/head-compression', [...error('upstream_malformed'), up('compression_error')]],
  ['/head-end', [...error('upstream_reset'), up('truncated')]],
  ['/head-twice', error('upstream_malformed')],
  ['/data-first', error('upstream_malformed')],
  ['/body-stream-reset', error('upstream_body_truncated')],
  ['/body-short', error('upstream_body_truncated')],
  ['/body-long', error('upstream_malformed')],
  ['/trailers-garbage', error('upstream_malformed')],
];

/** Backends with TLS, and the expected outcome of a request for each. */
const TLS_UPSTREAM: readonly (readonly [name: string, counts: readonly string[]])[] = [
  ['hello-reset', error('upstream_tls_failed')],
  ['hello-end', error('upstream_tls_failed')],
  ['hello-garbage', error('upstream_tls_failed')],
  ['hello-plain', error('upstream_tls_failed')],
  ['hello-alert', error('upstream_tls_failed')],
  ['hello-half', error('upstream_tls_failed')],
  ['hello-wrong', error('upstream_tls_failed')],
  ['beneath-reset', error('upstream_reset')],
  ['beneath-end', error('upstream_reset')],
  ['beneath-garbage', error('upstream_reset')],
  ['inside-end', error('upstream_reset')],
  ['inside-garbage', error('upstream_malformed')],
  ['inside-half', error('upstream_body_truncated')],
  ['inside-reset', error('upstream_body_truncated')],
];

const BACKEND_RESETS: Rest = { when: 'bytes', ends: 'backend-resets' };
const CLOSE = 'Connection: close\r\n';

/** All of them, by protocol and side. */
export const LIVES: Readonly<Record<string, readonly Life[]>> = {
  'HTTP/1.1 downstream': H1_DOWNSTREAM,
  'HTTP/2 downstream': H2_DOWNSTREAM,
  'TLS downstream': TLS_DOWNSTREAM,
  'TCP, both sides': STREAMS,
  'reset by backends': [
    life('within the answer', 'http', get('/large'), error('upstream_body_truncated'), BACKEND_RESETS),
    life('within the answer, HTTP/2', 'http', get('/h2/large'), error('upstream_body_truncated'), BACKEND_RESETS),
    life('within a WebSocket', 'http', get('/upgrade', UPGRADE), error('upstream_body_truncated'), BACKEND_RESETS),
  ],
  'HTTP/1.1 upstream': H1_UPSTREAM.map(([path, counts, headers = CLOSE]) => life(path, 'http', get(path, headers), counts, {})),
  'TLS upstream': TLS_UPSTREAM.map(([name, counts]) => life(name, 'http', get(`/tls/${name}`, CLOSE), counts, {})),
  'HTTP/2 upstream': H2_UPSTREAM.map(([path, counts]) => life(path, 'http', get(`/h2${path}`, CLOSE), counts, {})),
};
