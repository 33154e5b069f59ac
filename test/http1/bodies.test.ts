// Bodies: lengths, chunks, trailers, 1xx, Expect, early answers, limits.
import { describe, expect, test } from '@jest/globals';
import { header, status } from '../support/message.ts';
import { closeAfterEach, get, openChain, post } from '../support/fixture.ts';
import { ok } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const CHUNKED = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
const EXPECTING = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n';

describe('bodies', () => {
  test('every byte value passes in both directions, with a length and in chunks', async () => {
    const all = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i)).repeat(300);
    const { client } = await openChain(({ body }) =>
      body.length > 100 ? `${CHUNKED}${all.length.toString(16)}\r\n${all}\r\n0\r\n\r\n` : ok(all),
    );
    const answers = [await client.ask(post(all)), await client.ask(get())];
    expect(answers.map(({ body }) => body === all)).toEqual([true, true]);
    client.write(`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${all.length.toString(16)}\r\n${all}\r\n0\r\n\r\n`);
    expect((await client.answer()).body).toBe(all);
  });

  test('chunks are passed on when they arrive, not when the body is complete', async () => {
    const { client, upstream } = await openChain({ respond: () => null });
    client.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n');
    await until(() => upstream.connections[0]?.received.endsWith('3\r\none\r\n') === true, 'the first chunk');
    client.write('3\r\ntwo\r\n');
    await until(() => upstream.connections[0]?.received.endsWith('3\r\ntwo\r\n') === true, 'the second chunk');
    upstream.connections[0]?.socket.write(`${CHUNKED}5\r\nthree\r\n`);
    await until(() => client.received.endsWith('5\r\nthree\r\n'), 'the answer');
  });

  test('trailers pass in both directions', async () => {
    const { client, upstream } = await openChain(`${CHUNKED}0\r\nX-Sum: b\r\nX-Sum: c\r\n\r\n`);
    const answer = await client.ask('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Sum: a\r\n\r\n');
    expect([answer.trailers, (await upstream.request()).trailers]).toEqual(['x-sum: b\r\nx-sum: c', 'x-sum: a']);
    expect((await client.ask(get())).trailers).toBe('x-sum: b\r\nx-sum: c');
  });

  test('HEAD, 204 and 304 have no body, and the next answer is found', async () => {
    const { client } = await openChain(({ startLine }) => {
      if (startLine.startsWith('HEAD')) return 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n';
      if (startLine.includes('204')) return 'HTTP/1.1 204 No Content\r\n\r\n';
      return startLine.includes('304') ? 'HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n' : ok('last');
    });
    client.write(`HEAD / HTTP/1.1\r\nHost: a\r\n\r\n${get('/204')}${get('/304')}${get('/')}`);
    expect(header(await client.answer(true), 'content-length')).toBe('5');
    expect(status(await client.answer())).toBe(204);
    expect(status(await client.answer())).toBe(304);
    expect((await client.answer()).body).toBe('last');
  });
});

describe('1xx', () => {
  test('Early Hints pass, any number up to the limit, before the answer', async () => {
    const { client } = await openChain(`HTTP/1.1 103 Early Hints\r\nlink: </a>\r\nconnection: x\r\nx: y\r\n\r\n`.repeat(32) + ok('done'));
    client.write(get());
    for (let i = 0; i < 32; i++) expect((await client.answer()).raw).toBe('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n');
    expect((await client.answer()).body).toBe('done');
  });

  test('a client of HTTP/1.0 sees none', async () => {
    const { client } = await openChain(`HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${ok('done')}`);
    expect((await client.ask('GET / HTTP/1.0\r\nHost: a\r\n\r\n')).body).toBe('done');
  });
});

describe('Expect: 100-continue', () => {
  test('is passed to the backend, whose 100 starts the body', async () => {
    const { client, upstream } = await openChain({ respond: ({ body }) => ok(body) });
    client.write(EXPECTING);
    await until(() => upstream.connections[0]?.received.includes('expect: 100-continue\r\n') === true, 'the head');
    expect(client.octets).toBe(0);
    upstream.connections[0]?.socket.write('HTTP/1.1 100 Continue\r\n\r\n');
    expect(status(await client.answer())).toBe(100);
    expect((await client.ask('hello')).body).toBe('hello');
    expect(header(await upstream.request(), 'content-length')).toBe('5');
    expect((await client.ask(post('again'))).body).toBe('again');
  });

  test('a body without a 100 passes too', async () => {
    const { client } = await openChain({ respond: ({ body }) => ok(body) });
    expect((await client.ask(`${EXPECTING}hello`)).body).toBe('hello');
  });

  test('a refusal instead of a 100 closes the connection: the body may come or not', async () => {
    const { client, upstream } = await openChain({
      data: ({ socket }) => socket.write('HTTP/1.1 417 No\r\ncontent-length: 0\r\n\r\n'),
    });
    const answer = await client.ask(EXPECTING);
    expect([status(answer), header(answer, 'connection')]).toEqual([417, 'close']);
    await client.over();
    await until(() => upstream.open === 0, 'the end at the backend');
  });

  test('so does a local reply', async () => {
    const { client } = await openChain(ok(), { backends: [] });
    const answer = await client.ask(EXPECTING);
    expect([status(answer), header(answer, 'connection')]).toEqual([500, 'close']);
    await client.over();
  });

  test('a silent backend gives a timeout', async () => {
    const { client } = await openChain({ respond: () => null }, {}, { upstreamIdleTimeout: 50 });
    expect(JSON.parse((await client.ask(EXPECTING)).body)).toMatchObject({ code: 'upstream_timeout' });
  });
});

describe('limits', () => {
  test('a length above the limit is refused before the backend gets the request', async () => {
    const { client, upstream } = await openChain(ok(), {}, { maxRequestBodyBytes: 4 });
    const answer = await client.ask(post('hello'));
    expect(JSON.parse(answer.body)).toMatchObject({ status: 413, code: 'request_body_too_large' });
    await client.over();
    expect(upstream.connections).toEqual([]);
  });

  test('chunks above the limit are refused, and the backend gets no whole request', async () => {
    const { client, upstream } = await openChain(ok(), {}, { maxRequestBodyBytes: 4 });
    const answer = await client.ask('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n');
    expect(JSON.parse(answer.body)).toMatchObject({ status: 413, code: 'request_body_too_large' });
    await until(() => upstream.open === 0, 'the end at the backend');
    expect(upstream.requests).toEqual([]);
  });

  test('a body at the limit passes', async () => {
    const { client } = await openChain(({ body }) => ok(body), {}, { maxRequestBodyBytes: 5 });
    expect((await client.ask(post('hello'))).body).toBe('hello');
    expect((await client.ask('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n')).body).toBe(
      'hello',
    );
  });
});

describe('early answers', () => {
  test('the answer to half a body of unknown length arrives, and the connection ends', async () => {
    const { client, upstream } = await openChain({ data: ({ socket }) => socket.write(ok('enough')) });
    const answer = await client.ask('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
    expect([answer.body, header(answer, 'connection')]).toEqual(['enough', 'close']);
    await client.over();
    await until(() => upstream.open === 0, 'the end at the backend');
  });

  test('an answer may begin before the end of the request, and both continue', async () => {
    const { client, upstream } = await openChain({
      data: (connection, chunk) => {
        const text = chunk.latin1Slice();
        if (text.startsWith('POST')) connection.socket.write(CHUNKED);
        if (text.includes('ping')) connection.socket.write('4\r\npong\r\n');
        if (text.endsWith('0\r\n\r\n')) connection.socket.write('0\r\n\r\n');
      },
    });
    client.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    await until(() => client.received.includes('\r\n\r\n'), 'the head');
    for (let i = 1; i <= 3; i++) {
      client.write('4\r\nping\r\n');
      await until(() => client.received.split('pong').length > i, 'pong');
    }
    client.write('0\r\n\r\n');
    expect((await client.answer()).body).toBe('pongpongpong');
    expect((await upstream.request()).body).toBe('pingpingping');
  });
});
