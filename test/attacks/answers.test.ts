// Invalid answers of a backend, byte by byte: the client gets an error, and their connection is never used again. Similar valid answers
// must reach the client with exact bytes.
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { header, status, withoutDate } from '../support/message.ts';
import { startProxy, toUpstream } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { ok, RawUpstream } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const HEAD = 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n';

let upstream: RawUpstream;
let proxy: Proxy;
beforeAll(async () => {
  upstream = await RawUpstream.start();
  // One connection: if it were kept, the next request would use it.
  proxy = await startProxy(toUpstream(upstream.port), { upstreamIdleTimeout: 300, maxConnectionsPerEndpoint: 1 });
});
afterEach(async () => {
  for (const { socket } of upstream.connections) socket.destroy();
  await until(() => upstream.open === 0, 'the end of all connections to the backend');
  upstream.forget();
});
afterAll(async () => {
  await proxy.close();
  await upstream.close();
});

const answer = (headers: string, body = ''): string => `HTTP/1.1 200 OK\r\n${headers}\r\n${body}`;

const MALFORMED: readonly (readonly [what: string, bytes: string])[] = [
  ['no status line', 'hello\r\n\r\n'],
  ['HTTP/0.9', '<html>\r\n\r\n</html>'],
  ['HTTP/2.0', 'HTTP/2.0 200 OK\r\n\r\n'],
  ['HTTP/1.2', 'HTTP/1.2 200 OK\r\ncontent-length: 0\r\n\r\n'],
  ['http/1.1 in lower case', 'http/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'],
  ['ICY', 'ICY 200 OK\r\n\r\n'],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\ncontent-length: 0\r\n\r\n'],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\ncontent-length: 0\r\n\r\n'],
  ['a status below 100', 'HTTP/1.1 099 OK\r\ncontent-length: 0\r\n\r\n'],
  ['a negative status', 'HTTP/1.1 -200 OK\r\ncontent-length: 0\r\n\r\n'],
  ['a status that is no number', 'HTTP/1.1 abc OK\r\ncontent-length: 0\r\n\r\n'],
  ['two spaces before the status', 'HTTP/1.1  200 OK\r\ncontent-length: 0\r\n\r\n'],
  ['a space before the status line', ' HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'],
  ['an empty line before the status line', '\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'],
  ['a control character in the reason', 'HTTP/1.1 200 O\x01K\r\ncontent-length: 0\r\n\r\n'],
  ['LF after the status line', 'HTTP/1.1 200 OK\ncontent-length: 0\r\n\r\n'],
  ['LF after a header', answer('content-length: 0\nx: a\r\n')],
  ['CR in a value', answer('content-length: 0\r\nx: a\rset-cookie: b\r\n')],
  ['NUL in a value', answer('content-length: 0\r\nx: a\0\r\n')],
  ['a folded header', answer('content-length: 0\r\nx: a\r\n b\r\n')],
  ['a space before a colon', answer('content-length : 0\r\n')],
  ['a header without a name', answer('content-length: 0\r\n: a\r\n')],
  ['a header without a colon', answer('content-length: 0\r\nx\r\n')],
  ['Content-Length and Transfer-Encoding', answer('content-length: 5\r\ntransfer-encoding: chunked\r\n', '5\r\nhello\r\n0\r\n\r\n')],
  ['two Content-Lengths', answer('content-length: 5\r\ncontent-length: 6\r\n', 'hello')],
  ['two equal Content-Lengths', answer('content-length: 5\r\ncontent-length: 5\r\n', 'hello')],
  ['a list of Content-Lengths', answer('content-length: 5, 5\r\n', 'hello')],
  ['a negative Content-Length', answer('content-length: -1\r\n', 'hello')],
  ['an empty Content-Length', answer('content-length: \r\n', 'hello')],
  ['a hexadecimal Content-Length', answer('content-length: 0x5\r\n', 'hello')],
  ['a coding that is not chunked', answer('transfer-encoding: gzip\r\n', 'hello')],
  ['chunked after another coding', answer('transfer-encoding: gzip, chunked\r\n', '0\r\n\r\n')],
  ['two Transfer-Encodings', answer('transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n', '0\r\n\r\n')],
  ['chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['chunks in a 204', 'HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['chunks in a 103', 'HTTP/1.1 103 Early Hints\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['129 headers', answer(`content-length: 0\r\n${'x: a\r\n'.repeat(129)}`)],
  ['an unrequested 101', 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'],
  ['33 answers of 1xx', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(33)],
];

describe('answered 502, and the connection is closed', () => {
  test.each(MALFORMED)('%s', async (_, bytes) => {
    upstream.become(bytes);
    const client = await RawClient.connect(proxy.port);
    client.write(GET);
    let last = await client.answer();
    while (status(last) === 103) last = await client.answer();
    expect([status(last), header(last, 'content-type')]).toEqual([502, 'application/problem+json']);
    expect(JSON.parse(last.body)).toMatchObject({ code: 'upstream_malformed' });
    expect(client.received).toBe('');
    client.destroy();
    await until(() => upstream.open === 0, 'the end of the connection to the backend');
  });

  test('a head that is too large', async () => {
    upstream.become(answer(`x: ${'a'.repeat(70_000)}\r\n`));
    const client = await RawClient.connect(proxy.port);
    expect(JSON.parse((await client.ask(GET)).body)).toMatchObject({ status: 502, code: 'upstream_head_too_large' });
    client.destroy();
    await until(() => upstream.open === 0, 'the end of the connection to the backend');
  });

  test.each([
    ['at once', ''],
    ['after half a head', 'HTTP/1.1 200 OK\r\ncontent-'],
    ['after a 103', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
  ])('a backend that ends %s', async (_, bytes) => {
    upstream.become((__, { socket }) => (socket.end(bytes), null));
    const client = await RawClient.connect(proxy.port);
    client.write(GET);
    let last = await client.answer();
    while (status(last) === 103) last = await client.answer();
    expect(JSON.parse(last.body)).toMatchObject({ status: 502, code: 'upstream_reset' });
    client.destroy();
  });

  test.each([
    ['nothing', ''],
    ['half a head', 'HTTP/1.1 200 OK\r\ncontent-'],
  ])('504 for a backend that sends %s and stays connected', async (_, bytes) => {
    upstream.become(bytes);
    const client = await RawClient.connect(proxy.port);
    expect(JSON.parse((await client.ask(GET)).body)).toMatchObject({ status: 504, code: 'upstream_timeout' });
    client.destroy();
    await until(() => upstream.open === 0, 'the end of the connection to the backend');
  });
});

/** The head was sent already: the proxy can only make sure that the answer does not look complete. */
const TORN: readonly (readonly [what: string, bytes: string, end: boolean])[] = [
  ['a body shorter than its length', answer('content-length: 10\r\n', 'hello'), true],
  ['a body that stops', answer('content-length: 10\r\n', 'hello'), false],
  ['chunks without the last', answer('transfer-encoding: chunked\r\n', '5\r\nhello\r\n'), true],
  ['chunks without the end of the trailers', answer('transfer-encoding: chunked\r\n', '5\r\nhello\r\n0\r\n'), true],
  ['chunks that stop', answer('transfer-encoding: chunked\r\n', '5\r\nhel'), false],
  ['a size that is no number', answer('transfer-encoding: chunked\r\n', '5\r\nhello\r\ng\r\n'), false],
  ['a size with a sign', answer('transfer-encoding: chunked\r\n', '5\r\nhello\r\n+5\r\nhello\r\n0\r\n\r\n'), false],
  ['LF after a size', answer('transfer-encoding: chunked\r\n', '5\r\nhello\r\n5\nhello\r\n0\r\n\r\n'), false],
  ['LF after data', answer('transfer-encoding: chunked\r\n', '5\r\nhello\n0\r\n\r\n'), false],
  ['CR LF in a trailer', answer('transfer-encoding: chunked\r\n', '5\r\nhello\r\n0\r\nx: a\rset-cookie: b\r\n\r\n'), false],
];

describe('torn answers look torn', () => {
  test.each(TORN)('%s', async (_, bytes, end) => {
    upstream.become((__, { socket }) => {
      socket.write(bytes, 'latin1');
      if (end) socket.end();
      return null;
    });
    const client = await RawClient.connect(proxy.port);
    client.write(GET);
    await client.over();
    expect(withoutDate(client.received)).toMatch(/^HTTP\/1.1 200 OK\r\n(content-length: 10|transfer-encoding: chunked)\r\n/);
    expect(client.received).not.toMatch(/0\r\n\r\n$/);
    expect(client.received.split('\r\n\r\n').slice(1).join('').replace(/\W|\d/g, '').length).toBeLessThan(10);
    client.destroy();
    await until(() => upstream.open === 0, 'the end of the connection to the backend');
  });

  test('a body that ends with the connection and was reset, to a client that cannot know otherwise', async () => {
    upstream.become((_, { socket }) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\nhello', () => socket.resetAndDestroy());
      return null;
    });
    const client = await RawClient.connect(proxy.port);
    client.write('GET / HTTP/1.0\r\nHost: a\r\n\r\n');
    await until(() => client.closed, 'the end');
    expect(client.error).toBe('ECONNRESET');
  });
});

/** The next request of the client must get its own answer, on another connection. */
const POISON: readonly (readonly [what: string, request: string, bytes: string])[] = [
  ['a second answer', GET, ok('hello') + ok('poison')],
  ['a second answer after chunks', GET, answer('transfer-encoding: chunked\r\n', '0\r\n\r\n') + ok('poison')],
  ['a second answer after one without a body', GET, answer('content-length: 0\r\n') + ok('poison')],
  ['garbage after the body', GET, `${ok('hello')}garbage`],
  ['a body after HEAD', HEAD, ok('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison')],
  ['chunks after HEAD', HEAD, answer('transfer-encoding: chunked\r\n', '6\r\npoison\r\n0\r\n\r\n')],
  ['a body after 304', GET, `HTTP/1.1 304 Not Modified\r\ncontent-length: 6\r\n\r\n${ok('poison')}`],
  ['a body after 204', GET, `HTTP/1.1 204 No Content\r\ncontent-length: 6\r\n\r\n${ok('poison')}`],
  ['a body after 204 without a length', GET, `HTTP/1.1 204 No Content\r\n\r\n${ok('poison')}`],
];

describe('unrequested bytes never answer another request', () => {
  test.each(POISON)('%s', async (_, request, bytes) => {
    upstream.become(bytes);
    // Two requests in one write: the second waits for the connection of the first.
    const client = await RawClient.connect(proxy.port);
    const other = await RawClient.connect(proxy.port);
    client.write(request);
    await upstream.request();
    other.write(GET);
    upstream.become(ok('own'));
    await client.answer(request === HEAD);
    expect((await other.answer()).body).toBe('own');
    expect((await client.ask(GET)).body).toBe('own');
    client.destroy();
    other.destroy();
  });

  test('a waiting request does not get the rest of the answer before', async () => {
    let release: () => void = () => undefined;
    upstream.become((_, { socket }) => {
      release = () => socket.write(answer('content-length: 0\r\n') + ok('poison'));
      return null;
    });
    const first = await RawClient.connect(proxy.port);
    first.write(GET);
    await upstream.request();
    const second = await RawClient.connect(proxy.port);
    second.write(GET);
    const pending = await RawClient.connect(proxy.port);
    // A round trip, so that the second request is in the queue.
    pending.write('GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n');
    await pending.answer();
    upstream.become(ok('own'));
    release();
    expect((await first.answer()).body).toBe('');
    expect((await second.answer()).body).toBe('own');
    for (const client of [first, second, pending]) client.destroy();
  });

  test('bytes on an idle connection close it', async () => {
    upstream.become(ok('hello'));
    const client = await RawClient.connect(proxy.port);
    await client.ask(GET);
    upstream.connections[0]?.socket.write(ok('poison'));
    await until(() => upstream.open === 0, 'the end of the connection to the backend');
    upstream.become(ok('own'));
    expect((await client.ask(GET)).body).toBe('own');
    client.destroy();
  });

  test('an answer before the request was sent closes its connection', async () => {
    upstream.become({ data: (connection) => connection.socket.write(ok('early')) });
    const client = await RawClient.connect(proxy.port);
    client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(20_000)}`);
    const early = await client.answer();
    expect([early.body, header(early, 'connection')]).toEqual(['early', 'close']);
    await client.over();
    await until(() => upstream.open === 0, 'the end of the connection to the backend');
    client.destroy();
  });

  test('an early answer to a body that has nearly come leaves the connection of the client usable', async () => {
    upstream.become({ data: (connection) => connection.socket.write(ok('early')) });
    const client = await RawClient.connect(proxy.port);
    const early = await client.ask(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n${'x'.repeat(20_000)}`);
    expect([early.body, header(early, 'connection')]).toEqual(['early', undefined]);
    await until(() => upstream.open === 0, 'the end of the connection to the backend');
    upstream.forget();
    upstream.become(ok('own'));
    client.write('x'.repeat(50_000));
    expect((await client.ask(GET)).body).toBe('own');
    expect((await upstream.request()).startLine).toBe('GET / HTTP/1.1');
    client.destroy();
  });
});

const ACCEPTED: readonly (readonly [what: string, request: string, bytes: string, client: string])[] = [
  ['a length', GET, answer('X-A: b\r\nContent-Length: 5\r\n', 'hello'), 'HTTP/1.1 200 OK\r\nx-a: b\r\ncontent-length: 5\r\n\r\nhello'],
  ['a reason of its own', GET, 'HTTP/1.1 200 Fine, thanks\r\ncontent-length: 0\r\n\r\n', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'],
  ['no reason', GET, 'HTTP/1.1 200 \r\ncontent-length: 0\r\n\r\n', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'],
  ['not even a space', GET, 'HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'],
  ['an unknown status', GET, 'HTTP/1.1 299 X\r\ncontent-length: 0\r\n\r\n', 'HTTP/1.1 299 \r\ncontent-length: 0\r\n\r\n'],
  [
    'headers of the connection, which are dropped',
    GET,
    answer('connection: x-hop, close\r\nx-hop: a\r\nkeep-alive: b\r\nproxy-connection: c\r\nset-cookie: d\r\ncontent-length: 0\r\n'),
    'HTTP/1.1 200 OK\r\nset-cookie: d\r\ncontent-length: 0\r\n\r\n',
  ],
  [
    'chunks, with an extension and trailers',
    GET,
    answer('transfer-encoding: chunked\r\n', '5;a=b\r\nhello\r\n0\r\nX-Sum: 1\r\nContent-Length: 5\r\n\r\n'),
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n',
  ],
  ['HEAD with a length', HEAD, answer('content-length: 5\r\n'), 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n'],
  ['HEAD with chunks', HEAD, answer('transfer-encoding: chunked\r\n'), 'HTTP/1.1 200 OK\r\n\r\n'],
  ['204', GET, 'HTTP/1.1 204 No Content\r\n\r\n', 'HTTP/1.1 204 No Content\r\n\r\n'],
  ['304', GET, 'HTTP/1.1 304 Not Modified\r\netag: "a"\r\n\r\n', 'HTTP/1.1 304 Not Modified\r\netag: "a"\r\n\r\n'],
  [
    '304 with a length',
    GET,
    'HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n',
    'HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n',
  ],
  [
    'Early Hints',
    GET,
    `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${ok('hello')}`,
    'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello',
  ],
  [
    'a header named __proto__',
    GET,
    answer('__proto__: a\r\ncontent-length: 0\r\n'),
    'HTTP/1.1 200 OK\r\n__proto__: a\r\ncontent-length: 0\r\n\r\n',
  ],
];

describe('accepted, and the client sees exactly this', () => {
  test.each(ACCEPTED)('%s', async (_, request, bytes, expected) => {
    upstream.become(bytes);
    const client = await RawClient.connect(proxy.port);
    client.write(request);
    await until(() => client.received.length >= expected.length, 'the answer');
    expect(withoutDate(client.received)).toBe(expected);
    upstream.become(ok('next'));
    client.received = '';
    expect((await client.ask(GET)).body).toBe('next');
    client.destroy();
  });

  test('a body that ends with the connection', async () => {
    upstream.become((_, { socket }) => (socket.end('HTTP/1.0 200 OK\r\n\r\nhello'), null));
    const client = await RawClient.connect(proxy.port);
    expect(withoutDate((await client.ask(GET)).raw)).toBe('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n');
    client.destroy();
  });
});
