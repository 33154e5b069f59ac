// The two steps of a worker's end: connections end with their next answer; then no more are accepted, and the rest has a deadline.
import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import net from 'node:net';
import { closeAfterEach, closeLater, get, openChain, openClient, openProxy, openUpstream } from '../support/fixture.ts';
import { header } from '../support/message.ts';
import { toUpstream } from '../support/proxy.ts';
import { ok } from '../support/raw-upstream.ts';
import { keptConnection, newConnections } from '../support/flows.ts';
import { traffic } from '../support/traffic.ts';
import { until } from '../support/until.ts';

closeAfterEach();

describe('drain', () => {
  test('the next answer on a kept connection is the last, and new connections are answered once', async () => {
    const { client, proxy } = await openChain(() => ok());
    expect(header(await client.ask(get()), 'connection')).toBeUndefined();
    proxy.worker.drain();
    expect(header(await client.ask(get()), 'connection')).toBe('close');
    expect(header(await (await openClient(proxy.port)).ask(get()), 'connection')).toBe('close');
  });

  test('no request fails under constant traffic', async () => {
    let answered = 0;
    const upstream = await openUpstream(() => {
      answered++;
      return ok('fine');
    });
    const proxy = await openProxy(toUpstream(upstream.port));
    const url = `http://127.0.0.1:${proxy.port}/`;
    const judge = (code: number, body: string): string | null => (code === 200 && body === 'fine' ? null : `${code} ${body}`);
    const flows = [keptConnection(url, judge), keptConnection(url, judge), newConnections(url, judge)];
    const { failures, requests } = await traffic(flows, async () => {
      await until(() => answered > 100, 'traffic');
      proxy.worker.drain();
      await until(() => answered > 400, 'traffic while draining');
    });
    expect(failures).toEqual([]);
    expect(requests).toBeGreaterThan(400);
  });

  test('a long answer is finished by stop', async () => {
    const upstream = await openUpstream(() => 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345');
    const proxy = await openProxy(toUpstream(upstream.port));
    const socket = net.connect(proxy.port, '127.0.0.1');
    closeLater(() => socket.destroy());
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    socket.write(get());
    await until(() => answer.endsWith('12345'), 'half an answer');
    const stopped = proxy.worker.stop(10_000);
    upstream.connections[0]!.socket.write('67890');
    await once(socket, 'end');
    socket.end();
    await stopped;
    expect(answer).toMatch(/1234567890$/);
  });

  test('a tunnel is cut at the deadline', async () => {
    const upstream = await openUpstream(() => 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n');
    const proxy = await openProxy(toUpstream(upstream.port));
    const socket = net.connect(proxy.port, '127.0.0.1');
    closeLater(() => socket.destroy());
    socket.write(get('/', 'Connection: upgrade\r\nUpgrade: x\r\n'));
    expect(String(await once(socket, 'data'))).toContain('101 Switching Protocols');
    const began = performance.now();
    // The end of a tunnel means that all data was sent, so a cut tunnel must not end in the same way.
    const closed = expect(once(socket, 'close')).rejects.toMatchObject({ code: 'ECONNRESET' });
    await Promise.all([closed, proxy.worker.stop(200)]);
    expect(performance.now() - began).toBeGreaterThanOrEqual(200);
  });
});
