// Every byte value in every position of an answer: the client gets exactly what the grammar says, or an error of the proxy, or a cut
// connection if the head was sent before.
import { describe, expect, test } from '@jest/globals';
import { closeAfterEach, get, openClient, openProxy, openUpstream } from '../support/fixture.ts';
import { END_HEADERS, END_STREAM, frame, literals, TYPE } from '../support/h2-client.ts';
import type { FramePeer } from '../support/h2-client.ts';
import { FrameServer } from '../support/h2-upstream.ts';
import { cluster, listener, route } from '../support/proxy.ts';
import type { RawClient } from '../support/raw-client.ts';
import { differences } from './bytes.ts';
import type { Place } from './bytes.ts';
import { BLANK, DIGIT, FIELD_BYTE, HEXDIG, LOWER_TCHAR, TCHAR } from './grammar.ts';

closeAfterEach();

const DATE = 'date: Thu, 01 Jan 1970 00:00:00 GMT\r\n';
const CODINGS = 'transfer-encoding: chunked\r\n';
/** The client announces that no other request follows. */
const CLOSE = 'connection: close\r\n';

/** The answer that the client must get. */
function seen(lines: string, rest: string, status = '200 OK'): string {
  return `HTTP/1.1 ${status}\r\n${DATE}${lines}${rest}`;
}

function chunked(chunk: string, trailers = ''): string {
  return `${CODINGS}${CLOSE}\r\n${chunk === '' ? '' : `${chunk.length.toString(16)}\r\n${chunk}\r\n`}0\r\n${trailers}\r\n`;
}

/** An answer whose body is one chunk. */
const WHOLE = `${CODINGS}\r\n1\r\nd\r\n0\r\n\r\n`;
const SEEN = chunked('d');

function trim(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, '');
}

const answer = (lines: string, rest: string): string => `HTTP/1.1 200 OK\r\n${DATE}${lines}${rest}`;

/** A header name: a colon ends it, so the value begins with the rest. */
function inName(before: string, after: string): Place<string> {
  const line = (c: string): string => `${before}${c}${after}: v\r\n`;
  return {
    message: (c) => answer(line(c), WHOLE),
    expected: (c, byte) => {
      if (c === ':') return before === 'x' ? seen(`x: ${after}: v\r\n`, SEEN) : null;
      return TCHAR.has(byte) ? seen(line(c).toLowerCase(), SEEN) : null;
    },
  };
}

function inValue(value: (c: string) => string): Place<string> {
  return {
    message: (c) => answer(`x: ${value(c)}\r\n`, WHOLE),
    expected: (c, byte) => (FIELD_BYTE.has(byte) ? seen(`x: ${trim(value(c))}\r\n`, SEEN) : null),
  };
}

/** One position for a byte. */
function only(right: string, message: (c: string) => string, passed = seen('', SEEN)): Place<string> {
  return { message, expected: (c) => (c === right ? passed : null) };
}

/** As much data as the size says, if it is a size. */
function inSize(size: (c: string) => string, ends = ''): Place<string> {
  const data = (c: string, byte: number): string => 'd'.repeat(HEXDIG.has(byte) ? Number.parseInt(size(c), 16) : 1);
  return {
    message: (c, byte) => answer('', `${CODINGS}\r\n${size(c)}\r\n${data(c, byte)}\r\n0\r\n\r\n`),
    expected: (c, byte) => (HEXDIG.has(byte) || (ends !== '' && c === ends) ? seen('', chunked(data(c, byte))) : null),
  };
}

function inTrailer(name: (c: string) => string, value: (c: string) => string, set: ReadonlySet<number>): Place<string> {
  const line = (c: string): string => `${name(c)}: ${value(c)}\r\n`;
  return {
    message: (c) => answer('', `${CODINGS}\r\n0\r\n${line(c)}\r\n`),
    expected: (c, byte) => (set.has(byte) ? seen('', chunked('', `${name(c).toLowerCase()}: ${trim(value(c))}\r\n`)) : null),
  };
}

/** A colon in the name of a trailer ends it. */
function endedByColon(place: Place<string>, line: string): Place<string> {
  return { ...place, expected: (c, byte) => (c === ':' ? seen('', chunked('', line)) : place.expected(c, byte)) };
}

const H1: Readonly<Record<string, Place<string>>> = {
  'in the name of the protocol': only('T', (c) => `HT${c}P/1.1 200 OK\r\n${DATE}${WHOLE}`),
  'in the version': only('1', (c) => `HTTP/1.${c} 200 OK\r\n${DATE}${WHOLE}`),
  'behind the version': only(' ', (c) => `HTTP/1.1${c}200 OK\r\n${DATE}${WHOLE}`),
  'in the status': {
    message: (c) => `HTTP/1.1 2${c}0 \r\n${DATE}${WHOLE}`,
    expected: (c, byte) => (DIGIT.has(byte) ? seen('', SEEN, c === '0' ? '200 OK' : `2${c}0 `) : null),
  },
  'behind the status': only(' ', (c) => `HTTP/1.1 200${c}OK\r\n${DATE}${WHOLE}`),
  'in the reason': {
    message: (c) => `HTTP/1.1 200 O${c}K\r\n${DATE}${WHOLE}`,
    expected: (_, byte) => (FIELD_BYTE.has(byte) ? seen('', SEEN) : null),
  },
  'behind the reason': {
    message: (c) => `HTTP/1.1 200 OK${c}\n${DATE}${WHOLE}`,
    expected: (c) => (c === '\r' ? seen('', SEEN) : null),
  },
  'at the beginning of a name': inName('', 'x'),
  'within a name': inName('x', 'y'),
  'at the end of a name': inName('x', ''),
  'as a name': inName('', ''),
  'behind Transfer-Encoding': inName('transfer-encoding', ''),
  'behind Content-Length': inName('content-length', ''),
  'at the beginning of a value': inValue((c) => `${c}y`),
  'within a value': inValue((c) => `x${c}y`),
  'at the end of a value': inValue((c) => `x${c}`),
  'as a value': inValue((c) => c),
  'behind a value': only('\r', (c) => answer(`x: v${c}\n`, WHOLE), seen('x: v\r\n', SEEN)),
  'in Content-Length': {
    message: (c, byte) => answer(`content-length: 1${c}\r\n`, `\r\n${'d'.repeat(DIGIT.has(byte) ? Number(`1${c}`) : 1)}`),
    expected: (c, byte) => {
      if (!DIGIT.has(byte) && !BLANK.has(byte)) return null;
      const length = Number(`1${c}`);
      return seen('', `content-length: ${length}\r\n${CLOSE}\r\n${'d'.repeat(length)}`);
    },
  },
  'behind chunked': {
    message: (c) => answer('', `transfer-encoding: chunked${c}\r\n\r\n1\r\nd\r\n0\r\n\r\n`),
    expected: (_, byte) => (BLANK.has(byte) ? seen('', SEEN) : null),
  },
  'before a chunk size': inSize((c) => `${c}1`),
  'behind a chunk size': inSize((c) => `1${c}`, ';'),
  'in a chunk extension': {
    message: (c) => answer('', `${CODINGS}\r\n1;a${c}b\r\nd\r\n0\r\n\r\n`),
    expected: (_, byte) => (FIELD_BYTE.has(byte) ? seen('', SEEN) : null),
  },
  'behind the line of a chunk size': only('\n', (c) => answer('', `${CODINGS}\r\n1\r${c}d\r\n0\r\n\r\n`)),
  'behind a chunk': only('\r', (c) => answer('', `${CODINGS}\r\n1\r\nd${c}\n0\r\n\r\n`)),
  'behind a chunk and CR': only('\n', (c) => answer('', `${CODINGS}\r\n1\r\nd\r${c}0\r\n\r\n`)),
  'in a chunk': {
    message: (c) => answer('', `${CODINGS}\r\n1\r\n${c}\r\n0\r\n\r\n`),
    expected: (c) => seen('', chunked(c)),
  },
  'within the name of a trailer': endedByColon(
    inTrailer(
      (c) => `x${c}y`,
      () => 'v',
      TCHAR,
    ),
    'x: y: v\r\n',
  ),
  'as the name of a trailer': inTrailer(
    (c) => c,
    () => 'v',
    TCHAR,
  ),
  'within the value of a trailer': inTrailer(
    () => 'x',
    (c) => `a${c}b`,
    FIELD_BYTE,
  ),
  'behind the trailers': only('\r', (c) => answer('', `${CODINGS}\r\n0\r\nx: a\r\n${c}\n`), seen('', chunked('', 'x: a\r\n'))),
};

/** The answer to one request, or null if it is refused or cut. */
async function outcomeAt(client: RawClient): Promise<string | null> {
  client.write(get('/', 'Connection: close\r\n'));
  await client.over();
  client.destroy();
  const { received } = client;
  if (received.startsWith('HTTP/1.1 502 ')) return null;
  return received.includes(CODINGS) && !received.includes('\r\n0\r\n') ? null : received;
}

describe('HTTP/1.1: a byte', () => {
  test.each(Object.entries(H1))('%s', async (_, place) => {
    const upstream = await openUpstream();
    const proxy = await openProxy([listener(), ...cluster('app', [upstream.port]), route()]);
    const send = async (bytes: string): Promise<string | null> => {
      // An incomplete answer waits for more bytes.
      upstream.become((__, { socket }) => (socket.end(bytes, 'latin1'), null));
      upstream.forget();
      return outcomeAt(await openClient(proxy.port));
    };
    expect(await differences(place, send)).toEqual([]);
  });
});

type Field = readonly [name: string, value: string];

/** An answer of HTTP/2: the fields of its head, and its trailers. */
interface Message {
  readonly head: readonly Field[];
  readonly trailers?: readonly Field[];
}

const HEAD: readonly Field[] = [
  [':status', '200'],
  ['date', DATE.slice('date: '.length, -2)],
];

function inH2Name(name: (c: string) => string): Place<Message> {
  return {
    message: (c) => ({ head: [...HEAD, [name(c), 'v']] }),
    expected: (c, byte) => (LOWER_TCHAR.has(byte) ? seen(`${name(c)}: v\r\n`, SEEN) : null),
  };
}

function inH2Value(value: (c: string) => string): Place<Message> {
  return {
    message: (c) => ({ head: [...HEAD, ['x', value(c)]] }),
    expected: (c, byte) => (FIELD_BYTE.has(byte) && trim(value(c)) === value(c) ? seen(`x: ${value(c)}\r\n`, SEEN) : null),
  };
}

function inH2Trailer(field: (c: string) => Field, set: ReadonlySet<number>): Place<Message> {
  return {
    message: (c) => ({ head: HEAD, trailers: [field(c)] }),
    expected: (c, byte) => {
      const [name, value] = field(c);
      return set.has(byte) && trim(value) === value ? seen('', chunked('d', `${name}: ${value}\r\n`)) : null;
    },
  };
}

const H2: Readonly<Record<string, Place<Message>>> = {
  'in :status': {
    message: (c) => ({ head: [[':status', `2${c}0`], ...HEAD.slice(1)] }),
    expected: (c, byte) => (DIGIT.has(byte) ? seen('', SEEN, c === '0' ? '200 OK' : `2${c}0 `) : null),
  },
  'behind a colon that begins a name': { message: (c) => ({ head: [...HEAD, [`:${c}`, 'v']] }), expected: () => null },
  'at the beginning of a name': inH2Name((c) => `${c}x`),
  'within a name': inH2Name((c) => `x${c}y`),
  'at the end of a name': inH2Name((c) => `x${c}`),
  'as a name': inH2Name((c) => c),
  'behind transfer-encoding': inH2Name((c) => `transfer-encoding${c}`),
  'behind content-length': inH2Name((c) => `content-length${c}`),
  'at the beginning of a value': inH2Value((c) => `${c}y`),
  'within a value': inH2Value((c) => `x${c}y`),
  'at the end of a value': inH2Value((c) => `x${c}`),
  'as a value': inH2Value((c) => c),
  'within the name of a trailer': inH2Trailer((c) => [`x${c}y`, 'v'], LOWER_TCHAR),
  'at the end of the name of a trailer': inH2Trailer((c) => [`x${c}`, 'v'], LOWER_TCHAR),
  'as the name of a trailer': inH2Trailer((c) => [c, 'v'], LOWER_TCHAR),
  'within the value of a trailer': inH2Trailer((c) => ['x', `a${c}b`], FIELD_BYTE),
  'at the end of the value of a trailer': inH2Trailer((c) => ['x', `a${c}`], FIELD_BYTE),
};

function framesOf({ head, trailers }: Message, stream: number): Buffer[] {
  const data = frame(TYPE.data, trailers === undefined ? END_STREAM : 0, stream, Buffer.from('d'));
  const first = frame(TYPE.headers, END_HEADERS, stream, literals(...head));
  return trailers === undefined
    ? [first, data]
    : [first, data, frame(TYPE.headers, END_HEADERS | END_STREAM, stream, literals(...trailers))];
}

describe('HTTP/2: a byte', () => {
  test.each(Object.entries(H2))('%s', async (_, place) => {
    const server = await FrameServer.start();
    const proxy = await openProxy([listener(), ...cluster('app', [server.port], 'http2'), route()]);
    let stream = -1;
    const send = async (message: Message): Promise<string | null> => {
      stream += 2;
      const client = await openClient(proxy.port);
      const outcome = outcomeAt(client);
      const peer: FramePeer = await server.asked(stream);
      peer.frames.length = 0;
      peer.write(...framesOf(message, stream));
      return outcome;
    };
    expect(await differences(place, send)).toEqual([]);
  });
});
