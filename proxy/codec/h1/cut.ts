// Ends a connection in a way that the peer cannot take for a complete message.
import type net from 'node:net';
import { TLSSocket } from 'node:tls';

/**
 * Resets a connection. TLS has its own end (close_notify), so its absence is enough there, and Node allows no more. A connection that has
 * sent its end is only closed: libuv refuses a reset while the end is being sent, and Node would then forget the socket without closing it.
 */
export function cut(socket: net.Socket): void {
  if (socket instanceof TLSSocket || socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
