// Ends a connection in a way that the peer cannot take for a proper end.
import type net from 'node:net';
import { TLSSocket } from 'node:tls';

/**
 * Resets a connection. TLS has a proper end of its own (close_notify), so leaving that out is enough there, and Node allows no
 * more. A connection that has said its end already is just closed: libuv refuses to reset while that end is on its way, and
 * Node would then forget the socket without closing it.
 */
export function cut(socket: net.Socket): void {
  if (socket instanceof TLSSocket || socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
