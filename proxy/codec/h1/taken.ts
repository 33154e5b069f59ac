// The bytes of a socket that have left this process. Node counts whole writes, and a slow peer takes minutes for one. libuv's queue shows
// Node's own timeouts the progress within a write; if it is not available, whole writes count. TLS encrypts a write at once, so whole
// writes count there too.
import type net from 'node:net';

/** Internal fields of Node's sockets. */
interface Handle {
  readonly bytesWritten?: number;
  readonly writeQueueSize?: number;
}

/** Bytes that the kernel has accepted. Use only differences. */
export function takenOf(socket: net.Socket): number {
  const { _handle: handle } = socket as net.Socket & { readonly _handle?: Handle | null };
  if (typeof handle?.bytesWritten !== 'number' || typeof handle.writeQueueSize !== 'number') {
    return socket.bytesWritten - socket.writableLength;
  }
  return handle.bytesWritten - handle.writeQueueSize;
}
