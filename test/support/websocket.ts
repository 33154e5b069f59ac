// WebSockets of `ws`, at either end, over any stream of bytes.
import { once } from 'node:events';
import type net from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { closeLater } from './fixture.ts';

/** A backend of HTTP/1.1 that echoes messages. */
export async function openEcho(): Promise<WebSocketServer> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  server.on('connection', echo);
  closeLater(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  return server;
}

export function portOf(server: WebSocketServer): number {
  return (server.address() as net.AddressInfo).port;
}

/** Sends back every message. */
export function echo(socket: WebSocket): void {
  socket.on('error', () => undefined);
  socket.on('message', (bytes, isBinary) => socket.send(bytes, { binary: isBinary }));
}

/** A WebSocket on a stream after its handshake, of a client or a server. */
export function webSocketOn(stream: Duplex, end: 'client' | 'server' = 'client'): WebSocket {
  const socket = new (WebSocket as unknown as new (address: null, protocols: undefined, options: object) => WebSocket)(null, undefined, {
    closeTimeout: 30_000,
  });
  const untyped = socket as unknown as { _isServer: boolean; setSocket(stream: unknown, head: Buffer, options: object): void };
  const plain = stream as Duplex & { setTimeout?: unknown; setNoDelay?: unknown };
  plain.setNoDelay ??= () => undefined;
  untyped._isServer = end === 'server';
  untyped.setSocket(stream, Buffer.alloc(0), { allowSynchronousEvents: true, maxPayload: 100_000_000, skipUTF8Validation: false });
  return socket;
}

/** A WebSocket by HTTP/1.1 to a port of this machine. */
export async function openWebSocket(port: number): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/chat`);
  socket.on('error', () => undefined);
  closeLater(() => socket.terminate());
  await once(socket, 'open');
  return socket;
}
