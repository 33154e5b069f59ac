// How much of what was written to a socket has left this process. Node counts whole writes, and a slow peer takes minutes for one.
// What libuv still holds of a write tells Node's own timeouts that a peer takes something; where it cannot be had, whole writes
// count. TLS encrypts a write at once, so that there it is whole writes as well.
import type net from 'node:net';

/** What sockets of Node are made of. */
interface Handle {
  readonly bytesWritten?: number;
  readonly writeQueueSize?: number;
}

/** Bytes that the kernel has taken. Only differences mean something. */
export function takenOf(socket: net.Socket): number {
  const { _handle: handle } = socket as net.Socket & { readonly _handle?: Handle | null };
  if (typeof handle?.bytesWritten !== 'number' || typeof handle.writeQueueSize !== 'number') {
    return socket.bytesWritten - socket.writableLength;
  }
  return handle.bytesWritten - handle.writeQueueSize;
}
