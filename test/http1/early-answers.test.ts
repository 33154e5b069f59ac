// Backends that answer and close before they have read the request: the client gets the answer, even if its upload fails.
import { expect, test } from '@jest/globals';
import type http2 from 'node:http2';
import net from 'node:net';
import { once } from 'node:events';
import { closeAfterEach, closeLater, openClient, openProxy } from '../support/fixture.ts';
import { openSession } from '../support/h2-client.ts';
import { status } from '../support/message.ts';
import { toUpstream } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';

closeAfterEach();

const ANSWER = 'HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\n\r\ntoo large';
const SIZES = [2, 8, 30];
const TIMES = 5;
const MIB = 1_048_576;

/** Reads only the head, answers and closes; the kernel resets the connection because of unread bytes. */
async function openRefusing(): Promise<Proxy> {
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.pause();
      socket.write(ANSWER, () => socket.destroy());
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  closeLater(() => server.close());
  return openProxy(toUpstream((server.address() as net.AddressInfo).port));
}

test.each(SIZES)('HTTP/1.1, %d MiB', async (size) => {
  const proxy = await openRefusing();
  for (let i = 0; i < TIMES; i++) {
    const client = await openClient(proxy.port);
    client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size * MIB}\r\n\r\n`);
    for (let sent = 0; sent < size; sent++) client.write('x'.repeat(MIB));
    const answer = await client.answer();
    expect([status(answer), answer.body]).toEqual([413, 'too large']);
    client.destroy();
  }
});

test.each(SIZES)('HTTP/2, %d MiB', async (size) => {
  const proxy = await openRefusing();
  for (let i = 0; i < TIMES; i++) {
    const stream = openSession(proxy.port).request({ ':method': 'POST', ':authority': 'a' });
    stream.on('error', () => undefined).resume();
    const [head] = await Promise.all([once(stream, 'response') as Promise<[http2.IncomingHttpStatusHeader]>, upload(stream, size)]);
    expect(head[0][':status']).toBe(413);
    stream.close();
  }
});

/** Sends until all is sent or the peer has closed. */
async function upload(stream: http2.ClientHttp2Stream, size: number): Promise<void> {
  for (let sent = 0; sent < size && stream.writable; sent++) {
    if (!stream.write(Buffer.alloc(MIB))) await Promise.race([once(stream, 'drain'), once(stream, 'response'), once(stream, 'close')]);
  }
}
