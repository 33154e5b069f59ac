// A reader that pauses, so that all buffers before it fill and drain.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type net from 'node:net';

/** Bytes between two stops. */
const STRIDE = 1_000_003;

/** Reads to the end and resolves to the SHA-256 of everything, hexadecimal. */
export async function readSlowly(socket: net.Socket): Promise<string> {
  const hash = createHash('sha256');
  let left = STRIDE;
  socket.on('data', (chunk: Buffer) => {
    hash.update(chunk);
    left -= chunk.length;
    if (left > 0) return;
    left = STRIDE;
    socket.pause();
    setTimeout(() => socket.resume(), 5);
  });
  await once(socket, 'end');
  return hash.digest('hex');
}
