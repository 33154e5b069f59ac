// Slow readers and writers on HTTP/2, and the end of connections.
import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import type http2 from 'node:http2';
import { closeAfterEach, openProxy, openUpstream } from '../support/fixture.ts';
import { answerOf, FrameClient, get, openSession, openStream, request, TYPE } from '../support/h2-client.ts';
import { memoryInUse } from '../support/memory.ts';
import { toUpstream } from '../support/proxy.ts';
import { ok } from '../support/raw-upstream.ts';
import { still } from '../support/still.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const MIB = 1_048_576;
const TOTAL = 32 * MIB;
const PIECE = Buffer.alloc(65_536, 'x');
/** Kernel buffers between two peers on loopback, and the windows of the proxy. */
const IN_BETWEEN = 16 * MIB;
const IN_PROCESS = 3 * MIB;

/** Writes as fast as the stream accepts, and returns the number of bytes. */
function pour(sink: { write(chunk: Buffer): boolean; once(event: 'drain', go: () => void): unknown }, done: () => void): { sent: number } {
  const state = { sent: 0 };
  const go = (): void => {
    while (state.sent < TOTAL) {
      state.sent += PIECE.length;
      if (!sink.write(PIECE)) return void sink.once('drain', go);
    }
    done();
  };
  go();
  return state;
}

async function readAll(stream: http2.ClientHttp2Stream): Promise<number> {
  let octets = 0;
  stream.on('data', (chunk: Buffer) => (octets += chunk.length));
  stream.resume();
  await once(stream, 'end');
  return octets;
}

describe('backpressure', () => {
  test('an unread stream stops its backend, and no other stream', async () => {
    let state = { sent: 0 };
    const upstream = await openUpstream(({ startLine }, { socket }) => {
      if (startLine.includes('small')) return ok('small');
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${TOTAL}\r\n\r\n`);
      state = pour(socket, () => undefined);
      return null;
    });
    const proxy = await openProxy(toUpstream(upstream.port));
    const session = openSession(proxy.port);
    const before = memoryInUse().buffers;
    const stream = openStream(session, {}, true);
    await once(stream, 'response');
    expect(await still(() => state.sent)).toBeLessThan(IN_BETWEEN);
    expect(memoryInUse().buffers - before).toBeLessThan(IN_PROCESS);
    for (let i = 0; i < 20; i++) expect((await request(session, { ':path': '/small' })).body.toString()).toBe('small');
    expect(await readAll(stream)).toBe(TOTAL);
  });

  test('a backend that does not read stops its stream, and no other', async () => {
    const upstream = await openUpstream({ keep: false, connected: ({ socket }) => void socket.pause() });
    const other = await openUpstream(ok('other'));
    const proxy = await openProxy(toUpstream(upstream.port));
    const session = openSession(proxy.port);
    const stream = openStream(session, { ':method': 'POST' }, false);
    const before = memoryInUse().buffers;
    const state = pour(stream, () => stream.end());
    await until(() => upstream.connections.length === 1, 'the upstream connection');
    expect(await still(() => state.sent)).toBeLessThan(IN_BETWEEN);
    expect(memoryInUse().buffers - before).toBeLessThan(IN_PROCESS);
    await proxy.worker.apply(toUpstream(other.port), []);
    expect((await request(session)).body.toString()).toBe('other');
    const [connection] = upstream.connections;
    connection?.socket.resume();
    await until(() => state.sent >= TOTAL && (connection?.octets ?? 0) > TOTAL, 'the whole body');
    connection?.socket.write(ok('done'));
    expect((await answerOf(stream)).body.toString()).toBe('done');
  });

  test('large answers of several streams share the connection', async () => {
    const upstream = await openUpstream(ok('x'.repeat(2_000_000)));
    const proxy = await openProxy(toUpstream(upstream.port));
    const session = openSession(proxy.port);
    const answers = await Promise.all(Array.from({ length: 20 }, () => request(session)));
    expect(answers.map(({ body }) => body.length)).toEqual(Array.from({ length: 20 }, () => 2_000_000));
  });
});

describe('the end of a connection', () => {
  test('stop sends GOAWAY, finishes the streams, and closes', async () => {
    const upstream = await openUpstream(() => 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345');
    const proxy = await openProxy(toUpstream(upstream.port));
    const session = openSession(proxy.port);
    const stream = openStream(session, {}, true);
    const goaway = once(session, 'goaway');
    const answer = answerOf(stream);
    await once(stream, 'response');
    const stopped = proxy.worker.stop(10_000);
    expect((await goaway)[0]).toBe(0);
    upstream.connections[0]?.socket.write('67890');
    expect((await answer).body.toString()).toBe('1234567890');
    await stopped;
    expect(session.destroyed || session.closed).toBe(true);
  });

  test('streams that were in flight before GOAWAY are answered, and GOAWAY names the last', async () => {
    const upstream = await openUpstream(ok());
    const proxy = await openProxy(toUpstream(upstream.port));
    const client = await FrameClient.connect(proxy.port);
    client.write(get(1));
    await client.answered(1);
    const stopped = proxy.worker.stop(10_000);
    await until(() => client.of(TYPE.goaway).length === 1, 'the first GOAWAY');
    client.write(get(3));
    await client.answered(3);
    // The answer to the PING after the first GOAWAY shows that no earlier stream is missing.
    const [ping] = client.of(TYPE.ping);
    const ack = Buffer.concat([Buffer.from([0, 0, 8, TYPE.ping, 1, 0, 0, 0, 0]), ping?.payload ?? Buffer.alloc(0)]);
    client.write(ack);
    await until(() => client.closed, 'the end');
    expect(client.of(TYPE.goaway).map(({ payload }) => [payload.readUInt32BE(0), payload.readUInt32BE(4)])).toEqual([
      [0x7fffffff, 0],
      [3, 0],
    ]);
    await stopped;
  });

  test('a connection that drains before its first request gets GOAWAY with its answer', async () => {
    const upstream = await openUpstream(ok('first'));
    const proxy = await openProxy(toUpstream(upstream.port));
    proxy.worker.drain();
    const session = openSession(proxy.port);
    await once(session, 'connect');
    const goaway = once(session, 'goaway');
    expect((await request(session)).body.toString()).toBe('first');
    await goaway;
    await proxy.quiet();
  });

  test('no request fails under constant traffic', async () => {
    let answered = 0;
    const upstream = await openUpstream(() => (answered++, ok('fine')));
    const proxy = await openProxy(toUpstream(upstream.port));
    const sessions = Array.from({ length: 4 }, () => openSession(proxy.port));
    const flows = sessions.map(async (session) => {
      let served = 0;
      while (!session.closed && !session.destroyed) {
        const answer = await request(session).catch((error: Error) => error);
        if (answer instanceof Error) return session.closed || session.destroyed ? served : answer;
        served += answer.status === 200 ? 1 : 0;
      }
      return served;
    });
    await until(() => answered > 100, 'traffic');
    proxy.worker.drain();
    const served = await Promise.all(flows);
    expect(served.filter((result) => typeof result !== 'number')).toEqual([]);
    expect(served.reduce<number>((sum, result) => sum + Number(result), 0)).toBe(answered);
    await proxy.quiet();
    expect(proxy.worker.timers).toBeLessThanOrEqual(1);
  });

  test('maxRequestsPerConnection and the idle timeout end a connection in the same way', async () => {
    const upstream = await openUpstream(ok());
    const proxy = await openProxy(toUpstream(upstream.port), { maxRequestsPerConnection: 2, downstreamIdleTimeout: 100 });
    const [counted, idle] = [openSession(proxy.port), openSession(proxy.port)];
    const goodbyes = Promise.all([once(counted, 'goaway'), once(idle, 'goaway')]);
    await request(counted);
    await request(counted);
    expect((await goodbyes).map(([code]) => code as number)).toEqual([0, 0]);
    await proxy.quiet();
  });
});
