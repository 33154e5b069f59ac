import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import net from 'node:net';
import { checkDirectReads, startReading } from './raw-socket.ts';
import type { Receive } from './raw-socket.ts';

/** A connected pair: the peer, and the accepted end that reads into `receive`. */
async function pair(receive: Receive): Promise<{ peer: net.Socket; socket: net.Socket; server: net.Server }> {
  const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const peer = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
  const [accepted] = (await once(server, 'connection')) as [net.Socket];
  return { peer, socket: startReading(accepted, receive), server };
}

async function readEverything(): Promise<string> {
  const chunks: string[] = [];
  const { peer, socket, server } = await pair((chunk) => {
    chunks.push(chunk.toString());
    socket.pause();
    setImmediate(() => socket.resume());
  });
  peer.write('one ');
  setImmediate(() => peer.end('two'));
  await once(socket, 'end');
  socket.end('answer');
  const [answer] = (await once(peer, 'data')) as [Buffer];
  server.close();
  await once(server, 'close');
  return `${chunks.join('')} > ${answer}`;
}

describe('startReading', () => {
  // First: the check has not run yet in this process.
  test("reads by 'data' events before the check has passed", async () => {
    expect(await readEverything()).toBe('one two > answer');
  });

  test('reads into the shared buffer afterwards', async () => {
    expect(await checkDirectReads()).toBe(true);
    const buffers = new Set<ArrayBufferLike>();
    for (let i = 0; i < 2; i++) {
      const { peer, socket, server } = await pair((chunk) => buffers.add(chunk.buffer));
      peer.end('hello');
      await once(socket, 'end');
      socket.destroy();
      server.close();
    }
    expect(buffers.size).toBe(1);
    expect(await readEverything()).toBe('one two > answer');
  });

  test('closes the server although a connection was taken over and lives on', async () => {
    await checkDirectReads();
    const { peer, socket, server } = await pair(() => undefined);
    server.close();
    await once(server, 'close');
    expect(socket.destroyed).toBe(false);
    peer.destroy();
    socket.destroy();
  });
});
