// How backends misbehave, by the words of docs/reference/errors.md: the bytes that each sends, for every protocol that can misbehave so.
import { END_HEADERS, END_STREAM, frame, literals, numbers, TYPE } from '../support/h2-frames.ts';
import { H1_REPLIES, H2_REPLIES } from './backends.ts';
import type { Replies, Reply } from './backends.ts';

/** The backend: of HTTP/1.1, of HTTP/2, of HTTP/2 for a gRPC call. */
export type Protocol = 'http1' | 'http2' | 'grpc';

/** The bytes by protocol. `refuses` and `swallows`: it accepts no connection. `deadline`: the route has `timeouts.request`. */
export interface BadBackend {
  readonly connection?: 'refuses' | 'swallows';
  readonly deadline?: true;
  readonly replies: Partial<Record<Protocol, (stream: number) => Reply>>;
}

const text = (bytes: string): Buffer => Buffer.from(bytes, 'latin1');
const known = (replies: Replies, path: string) => replies.get(path) as (stream: number) => Reply;
const h1 = (path: string) => ({ http1: known(H1_REPLIES, path) });
const h2 = (path: string) => ({ http2: known(H2_REPLIES, path), grpc: known(H2_REPLIES, path) });
const both = (path: string, other = path) => ({ ...h1(path), ...h2(other) });

const http1 = (bytes: string, rest: Partial<Reply> = {}) => ({ http1: (): Reply => ({ bytes: text(bytes), ...rest }) });
const head = (stream: number, ...fields: readonly (readonly [string, string])[]): Buffer =>
  frame(TYPE.headers, END_HEADERS, stream, literals([':status', '200'], ...fields));
/** A head, and then frames: for a gRPC call the head of a gRPC answer. */
const begun = (rest: (stream: number) => readonly Buffer[], more: (stream: number) => Partial<Reply> = () => ({})) => {
  const reply =
    (...fields: readonly (readonly [string, string])[]) =>
    (stream: number): Reply => ({ bytes: Buffer.concat([head(stream, ...fields), ...rest(stream)]), ...more(stream) });
  return { http2: reply(), grpc: reply(['content-type', 'application/grpc']) };
};
const data = (stream: number): Buffer => frame(TYPE.data, 0, stream, text('\0\0\0\0\x09hello'));
const CHUNKED = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
const LARGE_FIELD = 'x'.repeat(9_000);
/** A header block of more than 64 KiB, in frames of permitted sizes. */
const largeHead = (stream: number): Reply => {
  const block = literals([':status', '200'], ...Array.from({ length: 8 }, (_, i) => [`x-${i}`, LARGE_FIELD] as const));
  const pieces = Array.from({ length: Math.ceil(block.length / 16_000) }, (_, i) => block.subarray(i * 16_000, (i + 1) * 16_000));
  const frames = pieces.map((piece, i) => {
    const last = i === pieces.length - 1 ? END_HEADERS : 0;
    return i === 0 ? frame(TYPE.headers, last | END_STREAM, stream, piece) : frame(TYPE.continuation, last, stream, piece);
  });
  return { bytes: Buffer.concat(frames) };
};
const interim = (stream: number): Buffer => frame(TYPE.headers, END_HEADERS, stream, literals([':status', '103']));

/** By the first column of the table. */
export const BAD_BACKENDS: Readonly<Record<string, BadBackend>> = {
  'refuses connections': { connection: 'refuses', replies: both('/never') },
  'drops packets, so that no connection is made': { connection: 'swallows', replies: both('/never') },
  'takes the request and sends nothing': { replies: both('/never') },
  'resets the connection': { replies: both('/reset') },
  'closes the connection': { replies: both('/end') },
  'resets the stream': { replies: h2('/stream-reset') },
  'refuses the stream': { replies: h2('/refused') },
  'sends bytes that are not HTTP': { replies: both('/garbage') },
  'sends a head that is malformed': { replies: both('/head-garbage') },
  'sends a head that is too large': {
    replies: {
      ...http1(`HTTP/1.1 200 OK\r\n${Array.from({ length: 8 }, (_, i) => `x-${i}: ${LARGE_FIELD}\r\n`).join('')}\r\n`),
      ...{ http2: largeHead, grpc: largeHead },
    },
  },
  'sends 1xx answers without end': {
    replies: {
      ...http1('', { trickle: text('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(8)) }),
      http2: (stream) => ({ bytes: Buffer.alloc(0), trickle: Buffer.concat(Array.from({ length: 8 }, () => interim(stream))) }),
    },
  },
  'closes the connection within the head': { replies: both('/head-end') },
  'trickles the head': { replies: http1('HTTP/1.1 200 OK\r\nx: ', { trickle: text('x') }) },
  'answers a gRPC call with something else': { replies: { grpc: known(H2_REPLIES, '/') } },
  'stops within the body': { replies: { ...h1('/large'), ...begun((stream) => [data(stream)]) } },
  'closes the connection within the body': {
    replies: {
      ...h1('/body-end'),
      ...begun(
        (stream) => [data(stream)],
        () => ({ ends: 'end' }),
      ),
    },
  },
  'resets the connection within the body': {
    replies: {
      ...http1(`${CHUNKED}5\r\nhello\r\n`, { ends: 'reset' }),
      ...begun(
        (stream) => [data(stream)],
        () => ({ ends: 'reset' }),
      ),
    },
  },
  'resets the stream within the body': { replies: begun((stream) => [data(stream), frame(TYPE.reset, 0, stream, numbers(2))]) },
  'sends a body that is malformed': {
    replies: { ...h1('/chunks-garbage'), ...begun((stream) => [data(stream), head(stream)]) },
  },
  'trickles the body, longer than `timeouts.request`': {
    deadline: true,
    replies: {
      ...http1(CHUNKED, { trickle: text('1\r\nx\r\n') }),
      ...begun(
        () => [],
        (stream) => ({ trickle: frame(TYPE.data, 0, stream, text('x')) }),
      ),
    },
  },
};
