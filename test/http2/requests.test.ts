// Requests that must be refused, since they would change their meaning as HTTP/1.1: checks the answer, the reset code, and that the
// backend gets no request. Similar valid requests must be accepted.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { closeAfterEach, openProxy } from '../support/fixture.ts';
import { END_HEADERS, END_STREAM, frame, FrameClient, GET, literals, numbers, TYPE } from '../support/h2-client.ts';
import { header } from '../support/message.ts';
import type { Message } from '../support/message.ts';
import { startProxy, toUpstream } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { ok, RawUpstream } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

closeAfterEach();

let upstream: RawUpstream;
let proxy: Proxy;
beforeAll(async () => {
  upstream = await RawUpstream.start(ok('hello'));
  proxy = await startProxy(toUpstream(upstream.port), { maxRequestBodyBytes: 1_000 });
});
afterAll(async () => {
  await proxy.close();
  await upstream.close();
});

/** Number of requests at the backend before this test. */
let before = 0;
const seen = (): readonly Message[] => upstream.requests.slice(before);
beforeEach(() => void (before = upstream.requests.length));

type Field = readonly [name: string, value: string];
const PROTOCOL_ERROR = 1;
const NOT_RESET = -1;

/** Fields of a GET, with some changed, omitted (undefined), or added. */
function fields(changes: Readonly<Record<string, string | undefined>>, more: readonly Field[] = []): Field[] {
  const known = GET.map(([name, value]): [string, string | undefined] => [name, Object.hasOwn(changes, name) ? changes[name] : value]);
  return [...known.filter((field): field is [string, string] => field[1] !== undefined), ...more];
}

async function send(list: readonly Field[], body: readonly Buffer[] | null = null): Promise<FrameClient> {
  const client = await FrameClient.connect(proxy.port);
  client.write(frame(TYPE.headers, END_HEADERS | (body === null ? END_STREAM : 0), 1, literals(...list)), ...(body ?? []));
  await client.answered(1);
  await client.sync();
  return client;
}

function resetCode(client: FrameClient): number {
  return client.of(TYPE.reset, 1)[0]?.payload.readUInt32BE(0) ?? NOT_RESET;
}

const data = (text: string, flags = 0): Buffer => frame(TYPE.data, flags, 1, Buffer.from(text));

const MALFORMED: readonly (readonly [what: string, list: readonly Field[]])[] = [
  ['no method', fields({ ':method': undefined })],
  ['no scheme', fields({ ':scheme': undefined })],
  ['no path', fields({ ':path': undefined })],
  ['no host at all', fields({ ':authority': undefined })],
  ['an empty host', fields({ ':authority': '' })],
  ['an empty method', fields({ ':method': '' })],
  ['a method with a space', fields({ ':method': 'GET /admin HTTP/1.1' })],
  ['a method with a line end', fields({ ':method': 'GET / HTTP/1.1\r\nX: y' })],
  ['a method of 33 characters', fields({ ':method': 'M'.repeat(33) })],
  ['CONNECT', fields({ ':method': 'CONNECT' })],
  ['CONNECT without an authority', [[':method', 'CONNECT']]],
  ['extended CONNECT that is over with its head', [[':protocol', 'websocket'], ...fields({ ':method': 'CONNECT' })]],
  ['a scheme of its own', fields({ ':scheme': 'ftp' })],
  ['a scheme that holds a target', fields({ ':scheme': 'http://b/?' })],
  ['an empty path', fields({ ':path': '' })],
  ['a path without a slash', fields({ ':path': 'a' })],
  ['a path that is a URL', fields({ ':path': 'http://a/' })],
  ['an asterisk without OPTIONS', fields({ ':path': '*' })],
  ['a space in the path', fields({ ':path': '/ HTTP/1.1' })],
  ['a line end in the path', fields({ ':path': '/\r\nX: y' })],
  ['a space in the query', fields({ ':path': '/?a b' })],
  ['a fragment in the query', fields({ ':path': '/?a#b' })],
  ['NUL in the query', fields({ ':path': '/?a\0' })],
  ['a path above the root', fields({ ':path': '/../a' })],
  ['an authority with user information', fields({ ':authority': 'u@a' })],
  ['an authority with a path', fields({ ':authority': 'a/b' })],
  ['an authority with a line end', fields({ ':authority': 'a\r\nX: y' })],
  ['a Host that differs from the authority', fields({}, [['host', 'b']])],
  [
    'two Hosts',
    fields({ ':authority': undefined }, [
      ['host', 'a'],
      ['host', 'a'],
    ]),
  ],
  ['two methods', fields({}, []).concat([[':method', 'GET']])],
  ['two paths', [[':path', '/'], ...fields({})]],
  ['two authorities', [[':authority', 'a'], ...fields({})]],
  ['a pseudo-header after a header', [['x', 'y'], ...fields({})]],
  ['an unknown pseudo-header', [[':x', 'y'], ...fields({})]],
  ['a pseudo-header of answers', [[':status', '200'], ...fields({})]],
  ['a name in capitals', fields({}, [['X-Y', 'z']])],
  ['an empty name', fields({}, [['', 'z']])],
  ['a name with a space', fields({}, [['x ', 'z']])],
  ['a name with a colon', fields({}, [['x:y', 'z']])],
  ['a name with a line end', fields({}, [['x\r\ny', 'z']])],
  ['a value with a line end', fields({}, [['x', 'y\r\nz: a']])],
  ['a value with LF', fields({}, [['x', 'y\nz']])],
  ['a value with NUL', fields({}, [['x', 'y\0']])],
  ['a value that begins with a space', fields({}, [['x', ' y']])],
  ['a value that ends with a tab', fields({}, [['x', 'y\t']])],
  ['Connection', fields({}, [['connection', 'close']])],
  ['Keep-Alive', fields({}, [['keep-alive', '5']])],
  ['Proxy-Connection', fields({}, [['proxy-connection', 'x']])],
  ['Upgrade', fields({}, [['upgrade', 'websocket']])],
  ['Transfer-Encoding', fields({}, [['transfer-encoding', 'chunked']])],
  ['Transfer_Encoding', fields({}, [['transfer_encoding', 'chunked']])],
  ['TE of codings', fields({}, [['te', 'gzip']])],
  ['a length without a body', fields({}, [['content-length', '5']])],
  [
    'two lengths',
    fields({}, [
      ['content-length', '0'],
      ['content-length', '0'],
    ]),
  ],
  ['a length that is no number', fields({}, [['content-length', '+0']])],
  ['a length in a list', fields({}, [['content-length', '0, 0']])],
];

describe('malformed, and the backend gets no request', () => {
  test.each(MALFORMED)('%s', async (_, list) => {
    const client = await send(list);
    expect([client.status(1), resetCode(client), seen().length]).toEqual(['400', PROTOCOL_ERROR, 0]);
    expect(client.of(TYPE.goaway)).toEqual([]);
  });
});

const REFUSED: readonly (readonly [what: string, list: readonly Field[], status: string])[] = [
  ['a path that is too long', fields({ ':path': `/${'a'.repeat(9_000)}` }), '414'],
  [
    'too many headers',
    fields(
      {},
      Array.from({ length: 130 }, (_, i) => [`x-${i}`, 'y'] as const),
    ),
    '431',
  ],
  [
    'headers that are too large',
    fields(
      {},
      Array.from({ length: 5 }, (_, i) => [`x-${i}`, 'y'.repeat(7_000)] as const),
    ),
    '431',
  ],
  ['CONNECT to somewhere', fields({ ':method': 'CONNECT', ':scheme': undefined, ':path': undefined }), '501'],
  ['an expectation of its own', fields({}, [['expect', 'x']]), '417'],
];

describe('answered', () => {
  test.each(REFUSED)('%s', async (_, list, status) => {
    const list16k = literals(...list);
    const client = await FrameClient.connect(proxy.port);
    const first = list16k.subarray(0, 16_000);
    const rest = [16_000, 32_000].filter((from) => from < list16k.length).map((from) => list16k.subarray(from, from + 16_000));
    const last = rest.length - 1;
    client.write(
      frame(TYPE.headers, END_STREAM | (rest.length === 0 ? END_HEADERS : 0), 1, first),
      ...rest.map((piece, i) => frame(TYPE.continuation, i === last ? END_HEADERS : 0, 1, piece)),
    );
    await client.answered(1);
    expect([client.status(1), resetCode(client)]).toEqual([status, NOT_RESET]);
  });

  test.each<readonly [string, readonly Field[], string]>([
    ['Host without an authority', fields({ ':authority': undefined }, [['host', 'a']]), 'GET / HTTP/1.1'],
    ['Host like the authority', fields({}, [['host', 'A']]), 'GET / HTTP/1.1'],
    ['a method of its own', fields({ ':method': 'QUERY' }), 'QUERY / HTTP/1.1'],
    ['an empty value', fields({}, [['x', '']]), 'GET / HTTP/1.1'],
    ['HTTP2-Settings, which goes no further', fields({}, [['http2-settings', 'AAMAAABk']]), 'GET / HTTP/1.1'],
    ['escapes in the path', fields({ ':path': '/%61%2fb?%61' }), 'GET /a%2Fb?%61 HTTP/1.1'],
  ])('as it should be: %s', async (_, list, line) => {
    const client = await send(list);
    expect([client.status(1), resetCode(client), seen()[0]?.startLine]).toEqual(['200', NOT_RESET, line]);
    expect(header(seen()[0]!, 'host')?.toLowerCase()).toBe('a');
    expect(header(seen()[0]!, 'http2-settings')).toBeUndefined();
  });
});

describe('an authority and Host', () => {
  type Row = readonly [scheme: string, authority: string, host: string];
  const ask = (scheme: string, authority: string, host: string): Promise<FrameClient> =>
    send(fields({ ':scheme': scheme, ':authority': authority }, [['host', host]]));

  test.each<Row>([
    ['https', 'a:443', 'a'],
    ['https', 'a', 'a:443'],
    ['https', 'a', 'a:0443'],
    ['http', 'a:80', 'a'],
    ['http', 'a', 'A:80'],
    ['http', 'a:', 'a:80'],
    ['http', 'a', 'a.'],
    ['http', 'a:8080', 'A.:8080'],
    ['https', '[::1]:443', '[::1]'],
  ])('over %s, %s and %s are equal, and the backend gets the first', async (scheme, authority, host) => {
    const client = await ask(scheme, authority, host);
    expect([client.status(1), header(seen()[0]!, 'host')]).toEqual(['200', authority]);
    expect(seen()[0]?.headers.filter(([name]) => name === 'host').length).toBe(1);
  });

  test.each<Row>([
    ['http', 'a:443', 'a'],
    ['https', 'a', 'a:80'],
    ['https', 'a:443', 'a:444'],
    ['https', 'a:443', 'b'],
    ['http', 'a', ''],
    ['http', '', 'a'],
    ['http', 'a', 'a:80:80'],
    ['http', '[::1]', '[::1]:81'],
  ])('over %s, %s and %s are not', async (scheme, authority, host) => {
    const client = await ask(scheme, authority, host);
    expect([client.status(1), resetCode(client), seen().length]).toEqual(['400', PROTOCOL_ERROR, 0]);
  });
});

describe('bodies', () => {
  const POST = fields({ ':method': 'POST' });
  const withLength = (length: string): Field[] => [...POST, ['content-length', length]];

  test.each<readonly [string, readonly Field[], readonly Buffer[]]>([
    ['longer than announced', withLength('3'), [data('abcd', END_STREAM)]],
    ['longer than announced, later', withLength('3'), [data('abc'), data('d', END_STREAM)]],
    ['shorter than announced', withLength('3'), [data('ab', END_STREAM)]],
    ['shorter than announced, with trailers', withLength('3'), [data('ab'), frame(TYPE.headers, 5, 1, literals(['x', 'y']))]],
    ['of something announced as nothing', withLength('0'), [data('ab', END_STREAM)]],
  ])('%s are never taken for whole', async (_, list, body) => {
    const client = await send(list, body);
    expect([client.status(1), resetCode(client)]).toEqual(['400', PROTOCOL_ERROR]);
    expect(seen()).toEqual([]);
  });

  describe('announced as nothing', () => {
    const connections = (): number => upstream.connections.length;

    test.each<readonly [string, readonly Buffer[]]>([
      ['data', [data('a')]],
      ['more data than a body may have', [data('a'.repeat(1_500))]],
      ['empty data, then more', [data(''), data('a', END_STREAM)]],
      ['data, then trailers', [data('a'), frame(TYPE.headers, END_HEADERS | END_STREAM, 1, literals(['x', 'y']))]],
      ['trailers that are malformed', [frame(TYPE.headers, END_HEADERS | END_STREAM, 1, literals([':path', '/']))]],
    ])('and followed by %s: the backend is not even connected to', async (_, body) => {
      await proxy.quiet();
      for (const { socket } of upstream.connections) socket.destroy();
      await until(() => upstream.open === 0, 'the end of kept connections');
      const known = connections();
      const client = await FrameClient.connect(proxy.port);
      client.write(frame(TYPE.headers, END_HEADERS, 1, literals(...withLength('0'))), ...body);
      expect(await client.reset(1)).toBe(PROTOCOL_ERROR);
      await client.sync();
      expect([client.of(TYPE.goaway).length, connections() - known]).toEqual([0, 0]);
    });

    test.each<readonly [string, Buffer]>([
      ['empty data', data('', END_STREAM)],
      ['padding', frame(TYPE.data, 0x8 | END_STREAM, 1, Buffer.from([3, 0, 0, 0]))],
      ['trailers', frame(TYPE.headers, END_HEADERS | END_STREAM, 1, literals(['x', 'y']))],
    ])('and ended by %s', async (_, end) => {
      const client = await send(withLength('0'), [end]);
      expect([client.status(1), resetCode(client)]).toEqual(['200', NOT_RESET]);
      expect(seen().map(({ startLine, body }) => [startLine, body])).toEqual([['POST / HTTP/1.1', '']]);
    });

    test('and never ended', async () => {
      const impatient = await openProxy(toUpstream(upstream.port), { requestBodyIdleTimeout: 100 });
      const client = await FrameClient.connect(impatient.port);
      client.write(frame(TYPE.headers, END_HEADERS, 1, literals(...withLength('0'))));
      await client.answered(1);
      expect([client.status(1), seen()]).toEqual(['408', []]);
    });

    test.each<readonly [string, (client: FrameClient) => unknown]>([
      ['reset', (client) => client.write(frame(TYPE.reset, 0, 1, numbers(8)))],
      ['left', (client) => client.socket.destroy()],
    ])('and %s', async (_, leave) => {
      const own = await openProxy(toUpstream(upstream.port));
      const client = await FrameClient.connect(own.port);
      client.write(frame(TYPE.headers, END_HEADERS, 1, literals(...withLength('0'))));
      await client.sync();
      leave(client);
      if (!client.socket.destroyed) await client.sync();
      client.socket.destroy();
      await own.quiet();
      expect(seen()).toEqual([]);
    });
  });

  test('above the limit are refused, announced or not', async () => {
    const announced = await send(withLength('1001'), []);
    expect([announced.status(1), resetCode(announced)]).toEqual(['413', 0]);
    const found = await send(POST, [data('a'.repeat(600)), data('a'.repeat(600), END_STREAM)]);
    expect(found.status(1)).toBe('413');
  });

  test('with padding are passed on without it', async () => {
    const padded = frame(TYPE.data, 0x8 | END_STREAM, 1, Buffer.from('\x03abc\0\0\0', 'latin1'));
    const client = await send(POST, [padded]);
    expect([client.status(1), seen()[0]?.body]).toEqual(['200', 'abc']);
  });

  test('with trailers that are malformed are cut', async () => {
    const client = await FrameClient.connect(proxy.port);
    client.write(frame(TYPE.headers, END_HEADERS, 1, literals(...POST)), data('abc'));
    client.write(frame(TYPE.headers, END_HEADERS | END_STREAM, 1, literals([':path', '/'])));
    expect(await client.reset(1)).toBe(PROTOCOL_ERROR);
    expect(seen()).toEqual([]);
  });
});
