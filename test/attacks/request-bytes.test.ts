// Every byte value in every position of a request: either refused, and the backend gets no complete request, or passed on, and the backend
// gets exactly what the grammar says.
import { describe, expect, test } from '@jest/globals';
import { huffmanEncode, huffmanLength } from '../../proxy/codec/hpack/huffman.ts';
import { closeAfterEach, openProxy, openUpstream } from '../support/fixture.ts';
import { END_HEADERS, END_STREAM, frame, FrameClient, GET, literals, TYPE } from '../support/h2-client.ts';
import { toUpstream } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { ok } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';
import { differences } from './bytes.ts';
import type { Place } from './bytes.ts';
import { BLANK, DIGIT, FIELD_BYTE, HEXDIG, HOST_BYTE, LOWER_TCHAR, PATH_BYTE, QUERY_BYTE, TCHAR } from './grammar.ts';

closeAfterEach();

/** The answer of the backend. */
const BODY = 'hello';

/** The last request at the backend, as received. */
interface Seen {
  readonly port: number;
  take(): string | null;
}

async function openChain(): Promise<Seen> {
  let last: string | null = null;
  const upstream = await openUpstream(({ raw }) => ((last = raw), ok(BODY)));
  const proxy = await openProxy(toUpstream(upstream.port), { maxStreamResets: 1e6, maxControlFrames: 1e6 });
  return {
    port: proxy.port,
    take: () => {
      const taken = last;
      last = null;
      return taken;
    },
  };
}

const X = 'x-forwarded-for: 127.0.0.1\r\nx-forwarded-proto: http\r\n';

interface Forwarded {
  readonly method?: string;
  readonly target?: string;
  readonly host?: string;
  /** The lines before the headers that the proxy adds, and after them. */
  readonly lines?: string;
  readonly rest?: string;
}

/** The request that the backend must get. */
function seen({ method = 'GET', target = '/', host = 'a', lines = '', rest = '\r\n' }: Forwarded): string {
  return `${method} ${target} HTTP/1.1\r\nhost: ${host}\r\n${lines}${X}x-forwarded-host: ${host}\r\n${rest}`;
}

/** Two chunks, the last with trailers, in the proxy's form. */
function chunked(chunk: string, trailers = ''): string {
  return `transfer-encoding: chunked\r\n\r\n${chunk === '' ? '' : `${chunk.length.toString(16)}\r\n${chunk}\r\n`}0\r\n${trailers}\r\n`;
}

/** A place in which the bytes of a set are passed on and all others are refused. */
function allowing(set: ReadonlySet<number>, message: (c: string) => string, forwarded: (c: string) => Forwarded): Place<string> {
  return { message, expected: (c, byte) => (set.has(byte) ? seen(forwarded(c)) : null) };
}

const get = (lines: string): string => `GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`;
const post = (lines: string, body: string): string => `POST / HTTP/1.1\r\nHost: a\r\n${lines}\r\n${body}`;
const inChunks = (body: string): string => post('Transfer-Encoding: chunked\r\n', body);

/** A header name: a colon ends it, so the value begins with the rest. */
function inName(before: string, after: string): Place<string> {
  const line = (c: string): string => `${before}${c}${after}: v\r\n`;
  return {
    message: (c) => get(line(c)),
    expected: (c, byte) => {
      if (c === ':') return before === 'x' ? seen({ lines: `x: ${after}: v\r\n` }) : null;
      return TCHAR.has(byte) ? seen({ lines: line(c).toLowerCase() }) : null;
    },
  };
}

function inTrailerName(before: string, after: string): Place<string> {
  const line = (c: string): string => `${before}${c}${after}: v\r\n`;
  return {
    message: (c) => inChunks(`0\r\n${line(c)}\r\n`),
    expected: (c, byte) => {
      const passed = c === ':' && before === 'x' ? `x: ${after}: v\r\n` : line(c).toLowerCase();
      return TCHAR.has(byte) || (c === ':' && before === 'x') ? seen({ method: 'POST', rest: chunked('', passed) }) : null;
    },
  };
}

/** A value without surrounding blanks. */
function inValue(before: string, after: string): Place<string> {
  return allowing(
    FIELD_BYTE,
    (c) => get(`x: ${before}${c}${after}\r\n`),
    (c) => ({ lines: `x: ${before === '' || after === '' ? trim(before + c + after) : before + c + after}\r\n` }),
  );
}

function trim(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, '');
}

const H1: Readonly<Record<string, Place<string>>> = {
  'at the beginning of the method': allowing(
    TCHAR,
    (c) => `${c}ET / HTTP/1.1\r\nHost: a\r\n\r\n`,
    (c) => ({ method: `${c}ET` }),
  ),
  'within the method': allowing(
    TCHAR,
    (c) => `G${c}T / HTTP/1.1\r\nHost: a\r\n\r\n`,
    (c) => ({ method: `G${c}T` }),
  ),
  'at the end of the method': allowing(
    TCHAR,
    (c) => `GE${c} / HTTP/1.1\r\nHost: a\r\n\r\n`,
    (c) => ({ method: `GE${c}` }),
  ),
  'at the beginning of the target': {
    message: (c) => `GET ${c} HTTP/1.1\r\nHost: a\r\n\r\n`,
    expected: (c) => (c === '/' ? seen({}) : null),
  },
  'within the path': allowing(
    union(PATH_BYTE, '?'),
    (c) => `GET /a${c}z HTTP/1.1\r\nHost: a\r\n\r\n`,
    (c) => ({ target: `/a${c}z` }),
  ),
  'at the end of the path': allowing(
    union(PATH_BYTE, '?'),
    (c) => `GET /az${c} HTTP/1.1\r\nHost: a\r\n\r\n`,
    (c) => ({ target: `/az${c}` }),
  ),
  'within the query': allowing(
    QUERY_BYTE,
    (c) => `GET /?a${c}z HTTP/1.1\r\nHost: a\r\n\r\n`,
    (c) => ({ target: `/?a${c}z` }),
  ),
  'at the end of the query': allowing(
    QUERY_BYTE,
    (c) => `GET /?az${c} HTTP/1.1\r\nHost: a\r\n\r\n`,
    (c) => ({ target: `/?az${c}` }),
  ),
  'in the scheme of an absolute target': {
    message: (c) => `GET http${c}://a/ HTTP/1.1\r\nHost: h\r\n\r\n`,
    expected: (c) => (c.toLowerCase() === 's' ? seen({}) : null),
  },
  'within the authority of an absolute target': {
    message: (c) => `GET http://a${c}z HTTP/1.1\r\nHost: h\r\n\r\n`,
    expected: (c, byte) => {
      if (c === '/' || c === '?') return seen({ target: c === '/' ? '/z' : '/?z' });
      return HOST_BYTE.has(byte) || c === '.' ? seen({ host: `a${c}z` }) : null;
    },
  },
  'in the name of the protocol': {
    message: (c) => `GET / HT${c}P/1.1\r\nHost: a\r\n\r\n`,
    expected: (c) => (c === 'T' ? seen({}) : null),
  },
  'before the version': { message: (c) => `GET / HTTP${c}1.1\r\nHost: a\r\n\r\n`, expected: (c) => (c === '/' ? seen({}) : null) },
  'in the version': { message: (c) => `GET / HTTP/1.${c}\r\nHost: a\r\n\r\n`, expected: (c) => ('01'.includes(c) ? seen({}) : null) },
  'behind the version': { message: (c) => `GET / HTTP/1.1${c}\nHost: a\r\n\r\n`, expected: (c) => (c === '\r' ? seen({}) : null) },
  'within Host': allowing(
    union(HOST_BYTE, '.'),
    (c) => `GET / HTTP/1.1\r\nHost: a${c}z\r\n\r\n`,
    (c) => ({ host: `a${c}z` }),
  ),
  'at the end of Host': allowing(
    union(HOST_BYTE, '.: \t'),
    (c) => `GET / HTTP/1.1\r\nHost: az${c}\r\n\r\n`,
    (c) => ({ host: trim(`az${c}`) }),
  ),
  'at the beginning of a name': inName('', 'x'),
  'within a name': inName('x', 'y'),
  'at the end of a name': inName('x', ''),
  'as a name': inName('', ''),
  'behind Transfer-Encoding': inName('transfer-encoding', ''),
  'behind Content-Length': inName('content-length', ''),
  'behind Host': inName('host', ''),
  'at the beginning of a value': inValue('', 'y'),
  'within a value': inValue('x', 'y'),
  'at the end of a value': inValue('x', ''),
  'as a value': inValue('', ''),
  'behind a value': { message: (c) => get(`x: v${c}\n`), expected: (c) => (c === '\r' ? seen({ lines: 'x: v\r\n' }) : null) },
  'in Content-Length': {
    message: (c, byte) => post(`Content-Length: 1${c}\r\n`, 'd'.repeat(DIGIT.has(byte) ? Number(`1${c}`) : 1)),
    expected: (c, byte) => {
      if (!DIGIT.has(byte) && !BLANK.has(byte)) return null;
      const length = Number(`1${c}`);
      return seen({ method: 'POST', rest: `content-length: ${length}\r\n\r\n${'d'.repeat(length)}` });
    },
  },
  'behind chunked': {
    message: (c) => post(`Transfer-Encoding: chunked${c}\r\n`, '0\r\n\r\n'),
    expected: (_, byte) => (BLANK.has(byte) ? seen({ method: 'POST', rest: chunked('') }) : null),
  },
  'before a chunk size': inSize((c) => `${c}1`),
  'behind a chunk size': inSize((c) => `1${c}`, ';'),
  'in a chunk extension': {
    message: (c) => inChunks(`1;a${c}b\r\nd\r\n0\r\n\r\n`),
    expected: (_, byte) => (FIELD_BYTE.has(byte) ? seen({ method: 'POST', rest: chunked('d') }) : null),
  },
  'behind the line of a chunk size': {
    message: (c) => inChunks(`1\r${c}d\r\n0\r\n\r\n`),
    expected: (c) => (c === '\n' ? seen({ method: 'POST', rest: chunked('d') }) : null),
  },
  'behind a chunk': {
    message: (c) => inChunks(`1\r\nd${c}\n0\r\n\r\n`),
    expected: (c) => (c === '\r' ? seen({ method: 'POST', rest: chunked('d') }) : null),
  },
  'behind a chunk and CR': {
    message: (c) => inChunks(`1\r\nd\r${c}0\r\n\r\n`),
    expected: (c) => (c === '\n' ? seen({ method: 'POST', rest: chunked('d') }) : null),
  },
  'in a chunk': {
    message: (c) => inChunks(`1\r\n${c}\r\n0\r\n\r\n`),
    expected: (c) => seen({ method: 'POST', rest: chunked(c) }),
  },
  'within the name of a trailer': inTrailerName('x', 'y'),
  'at the end of the name of a trailer': inTrailerName('x', ''),
  'as the name of a trailer': inTrailerName('', ''),
  'within the value of a trailer': {
    message: (c) => inChunks(`0\r\nx: a${c}b\r\n\r\n`),
    expected: (c, byte) => (FIELD_BYTE.has(byte) ? seen({ method: 'POST', rest: chunked('', `x: a${c}b\r\n`) }) : null),
  },
  'behind the trailers': {
    message: (c) => inChunks(`0\r\nx: a\r\n${c}\n`),
    expected: (c) => (c === '\r' ? seen({ method: 'POST', rest: chunked('', 'x: a\r\n') }) : null),
  },
};

function union(set: ReadonlySet<number>, more: string): ReadonlySet<number> {
  return new Set([...set, ...Array.from(more, (character) => character.charCodeAt(0))]);
}

/** As much data as the size says, if it is a size. */
function inSize(size: (c: string) => string, ends = ''): Place<string> {
  const length = (c: string, byte: number): number => (HEXDIG.has(byte) ? Number.parseInt(size(c), 16) : 1);
  return {
    message: (c, byte) => inChunks(`${size(c)}\r\n${'d'.repeat(length(c, byte))}\r\n0\r\n\r\n`),
    expected: (c, byte) =>
      HEXDIG.has(byte) || (ends !== '' && c === ends) ? seen({ method: 'POST', rest: chunked('d'.repeat(length(c, byte))) }) : null,
  };
}

/** Sends sequential requests, on one connection as long as it lasts. */
async function ask(bytes: string, port: number, connections: RawClient[]): Promise<boolean> {
  const client = connections.pop() ?? (await RawClient.connect(port));
  client.write(bytes);
  await until(() => client.ended || client.closed || client.received.endsWith(BODY), 'an answer or the end of the connection');
  const answered = client.received.endsWith(BODY);
  if (answered && !client.received.includes('connection: close')) connections.push(client);
  else {
    await client.over();
    client.destroy();
  }
  client.received = '';
  return answered;
}

describe('HTTP/1.1: a byte', () => {
  test.each(Object.entries(H1))('%s', async (_, place) => {
    const backend = await openChain();
    const connections: RawClient[] = [];
    const send = async (bytes: string): Promise<string | null> => {
      const answered = await ask(bytes, backend.port, connections);
      const passed = backend.take();
      return answered || passed !== null ? passed : null;
    };
    expect(await differences(place, send)).toEqual([]);
    for (const client of connections) client.destroy();
  });
});

type Field = readonly [name: string, value: string];

/** A request of HTTP/2: the fields of its head, and its trailers. */
interface Message {
  readonly head: readonly Field[];
  readonly trailers?: readonly Field[];
}

function withField(name: string, value: string): Field[] {
  return GET.map((field): Field => (field[0] === name ? [name, value] : field));
}

/** A place in a pseudo-header. */
function inPseudo(
  name: string,
  set: ReadonlySet<number>,
  value: (c: string) => string,
  forwarded: (c: string) => Forwarded,
): Place<Message> {
  return {
    message: (c) => ({ head: withField(name, value(c)) }),
    expected: (c, byte) => (set.has(byte) ? seen(forwarded(c)) : null),
  };
}

function inH2Name(name: (c: string) => string): Place<Message> {
  return {
    message: (c) => ({ head: [...GET, [name(c), 'v']] }),
    expected: (c, byte) => (LOWER_TCHAR.has(byte) ? seen({ lines: `${name(c)}: v\r\n` }) : null),
  };
}

/** RFC 9113 section 8.2.1: blanks at the ends are not stripped but refused. */
function inH2Value(value: (c: string) => string): Place<Message> {
  return {
    message: (c) => ({ head: [...GET, ['x', value(c)]] }),
    expected: (c, byte) => (FIELD_BYTE.has(byte) && trim(value(c)) === value(c) ? seen({ lines: `x: ${value(c)}\r\n` }) : null),
  };
}

function inH2Trailer(field: (c: string) => Field, set: ReadonlySet<number>): Place<Message> {
  return {
    message: (c) => ({ head: withField(':method', 'POST'), trailers: [field(c)] }),
    expected: (c, byte) => {
      const [name, value] = field(c);
      if (!set.has(byte) || trim(value) !== value) return null;
      return seen({ method: 'POST', rest: chunked('', `${name}: ${value}\r\n`) });
    },
  };
}

const NONE: ReadonlySet<number> = new Set();

const H2: Readonly<Record<string, Place<Message>>> = {
  'within :method': inPseudo(
    ':method',
    TCHAR,
    (c) => `G${c}T`,
    (c) => ({ method: `G${c}T` }),
  ),
  'as :method': inPseudo(
    ':method',
    TCHAR,
    (c) => c,
    (c) => ({ method: c }),
  ),
  'within :scheme': inPseudo(
    ':scheme',
    NONE,
    (c) => `htt${c}p`,
    () => ({}),
  ),
  'behind http': inPseudo(
    ':scheme',
    new Set([0x73]),
    (c) => `http${c}`,
    () => ({}),
  ),
  'within :authority': inPseudo(
    ':authority',
    union(HOST_BYTE, '.'),
    (c) => `a${c}z`,
    (c) => ({ host: `a${c}z` }),
  ),
  'at the end of :authority': inPseudo(
    ':authority',
    union(HOST_BYTE, '.:'),
    (c) => `az${c}`,
    (c) => ({ host: `az${c}` }),
  ),
  'within Host': {
    message: (c) => ({ head: [...GET.filter(([name]) => name !== ':authority'), ['host', `a${c}z`]] }),
    expected: (c, byte) => (union(HOST_BYTE, '.').has(byte) ? seen({ host: `a${c}z` }) : null),
  },
  'as :path': inPseudo(
    ':path',
    new Set([0x2f]),
    (c) => c,
    () => ({}),
  ),
  'within :path': inPseudo(
    ':path',
    union(PATH_BYTE, '?'),
    (c) => `/a${c}z`,
    (c) => ({ target: `/a${c}z` }),
  ),
  'within the query': inPseudo(
    ':path',
    QUERY_BYTE,
    (c) => `/?a${c}z`,
    (c) => ({ target: `/?a${c}z` }),
  ),
  'at the end of the query': inPseudo(
    ':path',
    QUERY_BYTE,
    (c) => `/?az${c}`,
    (c) => ({ target: `/?az${c}` }),
  ),
  'behind a colon that begins a name': { message: (c) => ({ head: [...GET, [`:${c}`, 'v']] }), expected: () => null },
  'at the beginning of a name': inH2Name((c) => `${c}x`),
  'within a name': inH2Name((c) => `x${c}y`),
  'at the end of a name': inH2Name((c) => `x${c}`),
  'as a name': inH2Name((c) => c),
  'behind transfer-encoding': inH2Name((c) => `transfer-encoding${c}`),
  'behind content-length': inH2Name((c) => `content-length${c}`),
  'behind host': inH2Name((c) => `host${c}`),
  'at the beginning of a value': inH2Value((c) => `${c}y`),
  'within a value': inH2Value((c) => `x${c}y`),
  'at the end of a value': inH2Value((c) => `x${c}`),
  'as a value': inH2Value((c) => c),
  'in a cookie': {
    message: (c) => ({ head: [...GET, ['cookie', `a=${c}b`], ['cookie', 'c=d']] }),
    expected: (c, byte) => (FIELD_BYTE.has(byte) ? seen({ lines: `cookie: a=${c}b; c=d\r\n` }) : null),
  },
  'within the name of a trailer': inH2Trailer((c) => [`x${c}y`, 'v'], LOWER_TCHAR),
  'at the end of the name of a trailer': inH2Trailer((c) => [`x${c}`, 'v'], LOWER_TCHAR),
  'as the name of a trailer': inH2Trailer((c) => [c, 'v'], LOWER_TCHAR),
  'within the value of a trailer': inH2Trailer((c) => ['x', `a${c}b`], FIELD_BYTE),
  'at the end of the value of a trailer': inH2Trailer((c) => ['x', `a${c}`], FIELD_BYTE),
};

/** Header blocks in all representations of HPACK; each is sent and must have the same result. */
const ENCODINGS: Readonly<Record<string, readonly ((fields: readonly Field[]) => Buffer)[]>> = {
  'as it is': [(fields) => literals(...fields)],
  'Huffman coded': [(fields) => Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), huffman(name), huffman(value)]))],
  'out of the dynamic table': [
    (fields) => Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0x40]), huffman(name), huffman(value)])),
    // The entry added last is that of index 62.
    (fields) => Buffer.from(fields.map((_, i) => 0x80 + 62 + fields.length - 1 - i)),
  ],
};

function huffman(text: string): Buffer {
  const coded = Buffer.alloc(huffmanLength(text));
  huffmanEncode(text, coded, 0);
  return Buffer.concat([Buffer.from([0x80 + coded.length]), coded]);
}

describe.each(Object.entries(ENCODINGS))('HTTP/2, %s: a byte', (_, encodings) => {
  test.each(Object.entries(H2))('%s', async (__, place) => {
    const backend = await openChain();
    const client = await FrameClient.connect(backend.port);
    let stream = -1;
    const sendOnce = async ({ head, trailers }: Message, encode: (fields: readonly Field[]) => Buffer): Promise<string | null> => {
      const id = (stream += 2);
      client.frames.length = 0;
      if (trailers === undefined) client.write(frame(TYPE.headers, END_HEADERS | END_STREAM, id, encode(head)));
      else client.write(frame(TYPE.headers, END_HEADERS, id, literals(...head)));
      if (trailers !== undefined) client.write(frame(TYPE.headers, END_HEADERS | END_STREAM, id, encode(trailers)));
      await until(() => client.closed || client.frames.some((got) => got.stream === id && isLast(got)), 'the end of the stream');
      return backend.take();
    };
    const send = async (message: Message): Promise<string | null> => {
      const outcomes = new Set<string | null>();
      for (const encode of encodings) outcomes.add(await sendOnce(message, encode));
      const [outcome = null] = outcomes;
      return outcomes.size === 1 ? outcome : [...outcomes].map(String).join(', then ');
    };
    expect(await differences(place, send)).toEqual([]);
  });
});

function isLast({ type, flags }: { readonly type: number; readonly flags: number }): boolean {
  return type === TYPE.reset || (type <= TYPE.headers && (flags & END_STREAM) !== 0);
}
