// Filters that read and replace whole bodies of requests and answers, with real clients and backends.
import { describe, expect, test } from '@jest/globals';
import { ERRORS } from '../../proxy/exchange/errors.ts';
import { AnswerRefusal, replaceAnswer, replaceRequest } from '../../proxy/exchange/replaced-body.ts';
import { filterTimePasses, neverDeciding, openFiltered, type MakeFilter } from '../support/filtered.ts';
import { closeAfterEach, get, post } from '../support/fixture.ts';
import { openSession, request } from '../support/h2-client.ts';
import { header, status } from '../support/message.ts';
import { ok } from '../support/raw-upstream.ts';

closeAfterEach();

const LIMIT = 100_000;

/** Doubles the body of answers, up to a limit. */
const doubling: MakeFilter = ({ wholeAnswer }) => ({
  response: async (exchange) => {
    const body = await wholeAnswer(exchange, LIMIT);
    return body === null ? new AnswerRefusal(ERRORS.answerTooLarge) : replaceAnswer(exchange, Buffer.concat([body, body]));
  },
});

const chunked = (body: string, trailers = ''): string =>
  `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n${trailers}\r\n`;

describe('the whole answer', () => {
  const HEAD = 'etag: "a"\r\ncontent-digest: sha-256=:AA==:\r\naccept-ranges: bytes\r\n';

  test('is replaced, with a head that is right for it', async () => {
    const { client } = await openFiltered([doubling], { behaviour: ok('abc', HEAD) });
    const got = await client.ask(get());
    expect([got.body, header(got, 'content-length'), header(got, 'etag')]).toEqual(['abcabc', '6', 'W/"a"']);
    expect([header(got, 'content-digest'), header(got, 'accept-ranges')]).toEqual([undefined, undefined]);
  });

  test('in chunks loses its trailers', async () => {
    const { client } = await openFiltered([doubling], { behaviour: chunked('x'.repeat(40_000), 'x-sum: 1\r\n') });
    const got = await client.ask(get());
    expect([got.body.length, header(got, 'content-length'), got.trailers]).toEqual([80_000, '80000', '']);
  });

  test('passes several filters', async () => {
    const { client } = await openFiltered([doubling, doubling], { behaviour: ok('ab') });
    expect((await client.ask(get())).body).toBe('ab'.repeat(4));
  });

  test('of the proxy itself is replaced too', async () => {
    const refusing: MakeFilter = () => ({
      request: (exchange) => {
        exchange.status = 403;
        exchange.responseHeaders = [];
        exchange.localBody = Buffer.from('no');
        exchange.responseLength = 2;
        return 'answered';
      },
    });
    const { client } = await openFiltered([doubling, refusing]);
    expect((await client.ask(get())).body).toBe('nono');
  });

  test('to HEAD has no length', async () => {
    const { client } = await openFiltered([doubling], { behaviour: 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\netag: "a"\r\n\r\n' });
    const got = await client.ask(get().replace('GET', 'HEAD'), true);
    expect([status(got), header(got, 'content-length'), header(got, 'etag')]).toEqual([200, undefined, 'W/"a"']);
  });

  test.each([
    ['of a known length', ok('x'.repeat(LIMIT + 1))],
    ['in chunks', chunked('x'.repeat(LIMIT + 1))],
  ])('beyond the limit %s is 502, and the connection goes on', async (_, behaviour) => {
    const { client } = await openFiltered([doubling], { behaviour });
    const got = await client.ask(get());
    expect([status(got), (JSON.parse(got.body) as { code: string }).code]).toEqual([502, 'answer_too_large']);
    expect(status(await client.ask(get()))).toBe(502);
  });

  test('that ends too early is 502', async () => {
    const { client } = await openFiltered([doubling], {
      behaviour: (_, { socket }) => {
        socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc');
        return null;
      },
    });
    expect(status(await client.ask(get()))).toBe(502);
  });

  test('may take longer than the time of the filter', async () => {
    const asked = Promise.withResolvers<void>();
    const waiting: MakeFilter = (dependencies) => ({
      response: (exchange) => {
        if (exchange.path === '/') asked.resolve();
        return exchange.path === '/' ? doubling(dependencies).response?.(exchange) : undefined;
      },
    });
    const { client, proxy, upstream } = await openFiltered([neverDeciding, waiting], {
      limits: { filterTimeout: 20 },
      behaviour: () => 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab',
    });
    const answer = client.ask(get());
    await asked.promise;
    await filterTimePasses({ proxy });
    upstream.connections[0]?.socket.write('cd');
    expect((await answer).body).toBe('abcdabcd');
  });

  test('goes to clients of HTTP/2', async () => {
    const { proxy } = await openFiltered([doubling], { behaviour: ok('abc') });
    const session = openSession(proxy.port);
    const got = await request(session, { ':path': '/', ':authority': 'a' });
    session.destroy();
    expect([got.body.toString(), got.headers['content-length']]).toEqual(['abcabc', '6']);
  });
});

describe('the whole request', () => {
  const replacing: MakeFilter = ({ wholeBody }) => ({
    request: async (exchange) => {
      const body = await wholeBody(exchange, LIMIT);
      return replaceRequest(exchange, Buffer.from(`<${body?.toString() ?? ''}>`));
    },
  });

  test.each([
    ['of a known length', post('abc', '/', 'Content-Digest: sha-256=:AA==:\r\n')],
    ['in chunks', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n'],
    ['that the client sends after a 100', post('abc', '/', 'Expect: 100-continue\r\n')],
  ])('%s is replaced, with a head that is right for it', async (_, bytes) => {
    const { client, upstream } = await openFiltered([replacing]);
    expect(status(await client.ask(bytes))).toBeLessThan(201);
    const sent = await upstream.request();
    expect([sent.body, header(sent, 'content-length'), header(sent, 'content-digest'), sent.trailers]).toEqual([
      '<abc>',
      '5',
      undefined,
      '',
    ]);
    expect(header(sent, 'transfer-encoding')).toBeUndefined();
  });

  test('may begin without a body', async () => {
    const { client, upstream } = await openFiltered([replacing]);
    expect(status(await client.ask(get()))).toBe(200);
    expect((await upstream.request()).body).toBe('<>');
  });
});
