// Invalid answers of HTTP/2 backends: the client gets an error, and the proxy continues to serve.
import { describe, expect, test } from '@jest/globals';
import { closeAfterEach, get, openClient, openProxy, openUpstream } from '../support/fixture.ts';
import { ACK, END_HEADERS, END_STREAM, frame, literals, numbers, settings, TYPE } from '../support/h2-client.ts';
import { FrameServer, head, whole } from '../support/h2-upstream.ts';
import { readMessage, status } from '../support/message.ts';
import { cluster, listener, route } from '../support/proxy.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const CLOSED = 'closed';

/** The outcome for a client of HTTP/1.1: the code of the failure, or that its answer was cut. */
async function outcome(bytes: Buffer): Promise<string> {
  const server = await FrameServer.start();
  const proxy = await openProxy([listener(), ...cluster('app', [server.port], 'http2'), route()]);
  const client = await openClient(proxy.port);
  client.write(get('/', 'Connection: close\r\n'));
  (await server.asked()).write(bytes);
  await client.over();
  const last = client.received.slice(client.received.lastIndexOf('HTTP/1.1 '));
  const answer = readMessage(last, true, false);
  const code = answer === null ? CLOSED : (JSON.parse(answer.body).code as string);
  // The next request is served, even if the connection was closed.
  const next = await openClient(proxy.port);
  next.write(get('/next'));
  await until(() => server.peers.some((peer) => peer.of(TYPE.headers).some(({ fields }) => fields.includes('/next'))), 'the next request');
  const peer = server.peers.find(({ frames }) => frames.some(({ fields }) => fields.includes('/next')))!;
  peer.write(whole(peer.frames.find(({ fields }) => fields.includes('/next'))!.stream, '200'));
  expect(status(await next.answer())).toBe(200);
  return code;
}

function body(flags: number, text: string): Buffer {
  return frame(TYPE.data, flags, 1, Buffer.from(text));
}

describe('a malformed answer', () => {
  test.each<[string, Buffer]>([
    ['no status', frame(TYPE.headers, END_HEADERS | END_STREAM, 1, literals(['x', 'y']))],
    ['a status of two digits', head(1, '20', END_STREAM)],
    ['a status that is no number', head(1, '2x0', END_STREAM)],
    ['a status below 100', head(1, '099', END_STREAM)],
    ['two statuses', head(1, '200', END_STREAM, [':status', '200'])],
    ['the status last', frame(TYPE.headers, END_HEADERS | END_STREAM, 1, literals(['x', 'y'], [':status', '200']))],
    ['a pseudo-header of requests', head(1, '200', END_STREAM, [':path', '/'])],
    ['a name with capitals', head(1, '200', END_STREAM, ['X-Y', 'z'])],
    ['a name with a colon', head(1, '200', END_STREAM, ['x:y', 'z'])],
    ['a header of connections', head(1, '200', END_STREAM, ['connection', 'close'])],
    ['transfer-encoding', head(1, '200', END_STREAM, ['transfer-encoding', 'chunked'])],
    ['a line break in a value', head(1, '200', END_STREAM, ['x', 'y\r\nset-cookie: a=b'])],
    ['a zero in a value', head(1, '200', END_STREAM, ['x', 'a\0b'])],
    ['two lengths', head(1, '200', END_STREAM, ['content-length', '0'], ['content-length', '0'])],
    ['a length that is no number', head(1, '200', 0, ['content-length', '+1'])],
    ['a length and no body', head(1, '200', END_STREAM, ['content-length', '5'])],
    ['a body without a head', body(END_STREAM, 'body')],
    ['switching protocols', head(1, '101')],
    ['a 1xx that is the end', head(1, '103', END_STREAM)],
    ['1xx without end', Buffer.concat(Array.from({ length: 33 }, () => head(1, '103')))],
  ])('%s', async (_name, bytes) => {
    expect(await outcome(bytes)).toBe('upstream_malformed');
  });

  test.each<[string, Buffer]>([
    ['longer than announced', Buffer.concat([head(1, '200', 0, ['content-length', '3']), body(END_STREAM, 'four')])],
    ['shorter than announced', Buffer.concat([head(1, '200', 0, ['content-length', '5']), body(END_STREAM, 'four')])],
    ['trailers that do not end it', Buffer.concat([head(1, '200'), body(0, 'x'), head(1, '200')])],
    ['trailers with a pseudo-header', Buffer.concat([head(1, '200'), body(0, 'x'), head(1, '200', END_STREAM)])],
    ['a reset in the middle', Buffer.concat([head(1, '200'), body(0, 'x'), frame(TYPE.reset, 0, 1, numbers(2))])],
  ])('an answer whose body is %s is cut', async (_name, bytes) => {
    expect(await outcome(bytes)).toBe(CLOSED);
  });

  test('a head that is too large', async () => {
    const entry: [string, string] = ['x', 'y'.repeat(16_000)];
    const block = literals([':status', '200'], ...Array.from({ length: 5 }, () => entry));
    const pieces = Array.from({ length: Math.ceil(block.length / 16_384) }, (_, i) => block.subarray(i * 16_384, (i + 1) * 16_384));
    const frames = pieces.map((piece, i) =>
      frame(i === 0 ? TYPE.headers : TYPE.continuation, i === pieces.length - 1 ? END_HEADERS : 0, 1, piece),
    );
    expect(await outcome(Buffer.concat(frames))).toBe('upstream_head_too_large');
  });

  test.each([
    [1, 'upstream_reset'],
    [7, 'upstream_refused'],
    [8, 'upstream_reset'],
  ])('a reset with code %d before the head', async (code, expected) => {
    const server = await FrameServer.start();
    const proxy = await openProxy([listener(), ...cluster('app', [server.port], 'http2'), route()]);
    const client = await openClient(proxy.port);
    client.write(get());
    const answer = client.answer();
    const peer = await server.peer();
    for (let stream = 1; stream <= 5; stream += 2) {
      await until(() => peer.of(TYPE.headers, stream).length > 0 || client.received !== '' || client.octets > 0, 'a request or an answer');
      if (peer.of(TYPE.headers, stream).length > 0) peer.write(frame(TYPE.reset, 0, stream, numbers(code)));
    }
    expect(JSON.parse((await answer).body).code).toBe(expected);
  });
});

describe('a connection that breaks the rules', () => {
  test.each<[string, Buffer]>([
    ['a frame that is too large', frame(TYPE.data, 0, 1, Buffer.alloc(16_385))],
    ['a push', frame(TYPE.push, END_HEADERS, 1, Buffer.concat([numbers(2), literals([':method', 'GET'])]))],
    ['data on a stream that nobody opened', frame(TYPE.data, 0, 7, Buffer.from('x'))],
    ['a head on a stream of its own', head(2, '200')],
    ['a reset of a stream that nobody opened', frame(TYPE.reset, 0, 9, numbers(0))],
    ['an index that no table has', frame(TYPE.headers, END_HEADERS, 1, Buffer.from([0xff, 0x7f]))],
    ['a window of more than all', Buffer.concat([1, 2].map(() => frame(TYPE.windowUpdate, 0, 0, numbers(0x7fff_ffff))))],
    ['a head within a head', Buffer.concat([frame(TYPE.headers, 0, 1, literals([':status', '200'])), body(0, 'x')])],
    ['settings of half an entry', frame(TYPE.settings, 0, 0, Buffer.alloc(3))],
    ['a window beyond 31 bits in settings', frame(TYPE.settings, 0, 0, settings([4, 0x8000_0000]))],
    ['more pings than anybody needs', Buffer.concat(Array.from({ length: 2_000 }, () => frame(TYPE.ping, 0, 0, Buffer.alloc(8))))],
    ['answers to pings without end', Buffer.concat(Array.from({ length: 2_000 }, () => frame(TYPE.ping, ACK, 0, Buffer.alloc(8))))],
    ['acknowledgements without end', Buffer.concat(Array.from({ length: 2_000 }, () => frame(TYPE.settings, ACK, 0)))],
    ['settings without end', Buffer.concat(Array.from({ length: 2_000 }, () => frame(TYPE.settings, 0, 0)))],
    ['empty data without end', Buffer.concat([head(1, '103'), ...Array.from({ length: 2_000 }, () => frame(TYPE.data, 0, 1))])],
    [
      'continuations without end',
      Buffer.concat([frame(TYPE.headers, 0, 1), ...Array.from({ length: 2_000 }, () => frame(TYPE.continuation, 0, 1))]),
    ],
  ])('%s', async (_name, bytes) => {
    expect(await outcome(bytes)).toBe('upstream_malformed');
  });

  test('a backend of HTTP/1.1 where HTTP/2 is expected', async () => {
    const upstream = await openUpstream({
      data: (connection) => connection.socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n'),
      keep: false,
    });
    const proxy = await openProxy([listener(), ...cluster('app', [upstream.port], 'http2'), route()]);
    const answer = await (await openClient(proxy.port)).ask(get());
    expect([status(answer), JSON.parse(answer.body).code]).toEqual([502, 'upstream_malformed']);
  });

  test('a backend that begins with an acknowledgement', async () => {
    const server = await FrameServer.start(Buffer.concat([frame(TYPE.settings, ACK, 0), frame(TYPE.settings, 0, 0)]));
    const proxy = await openProxy([listener(), ...cluster('app', [server.port], 'http2'), route()]);
    const answer = await (await openClient(proxy.port)).ask(get());
    expect([status(answer), JSON.parse(answer.body).code]).toEqual([502, 'upstream_malformed']);
  });

  test('a silent backend', async () => {
    const server = await FrameServer.start(Buffer.alloc(0));
    const proxy = await openProxy([listener(), ...cluster('app', [server.port], 'http2'), route()], { upstreamIdleTimeout: 200 });
    const answer = await (await openClient(proxy.port)).ask(get());
    expect([status(answer), JSON.parse(answer.body).code]).toEqual([504, 'upstream_timeout']);
  });

  test('an unreachable backend', async () => {
    const proxy = await openProxy([listener(), ...cluster('app', [1], 'http2'), route()]);
    const answer = await (await openClient(proxy.port)).ask(get());
    expect([status(answer), JSON.parse(answer.body).code]).toEqual([502, 'upstream_connect_failed']);
  });
});
