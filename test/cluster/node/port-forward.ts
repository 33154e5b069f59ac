// Forwards a port of a Pod over a WebSocket, as kubelets do for clients of the protocol `v4.channel.k8s.io`: each message begins with its
// channel, 0 for data and 1 for errors, and the first message of a channel has the port.
import { spawn } from 'node:child_process';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import type { Kubelet } from './kubelet.ts';

const PROTOCOL = 'v4.channel.k8s.io';
const DATA = 0;
const ERRORS = 1;

/** Copies bytes between standard input and output and a port, within the network of the Pod. */
const COPY = `
  const socket = require('node:net').connect(Number(process.argv[1]), '127.0.0.1');
  socket.on('error', (error) => { console.error(error.message); process.exit(1); });
  process.stdin.pipe(socket).pipe(process.stdout);
`;

const sockets = new WebSocketServer({ noServer: true, handleProtocols: (offered) => (offered.has(PROTOCOL) ? PROTOCOL : false) });

/** Takes over the connection of a request for `/portForward/<namespace>/<pod>?port=<port>`. */
export function forwardPort(kubelet: Kubelet, request: IncomingMessage, connection: Duplex, head: Buffer): void {
  const url = new URL(request.url ?? '', 'https://kubelet');
  const [, kind, namespace = '', pod = ''] = url.pathname.split('/');
  const port = Number(url.searchParams.get('port') ?? url.searchParams.get('ports'));
  const network = kind === 'portForward' ? kubelet.network(namespace, pod) : undefined;
  if (network === undefined) return void connection.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n');
  sockets.handleUpgrade(request, connection, head, (socket) => copy(socket, network, port));
}

function copy(socket: WebSocket, network: string, port: number): void {
  const number = Buffer.alloc(2);
  number.writeUInt16LE(port);
  const send = (channel: number, bytes: Buffer): void => socket.send(Buffer.concat([Buffer.of(channel), bytes]));
  for (const channel of [DATA, ERRORS]) send(channel, number);
  const child = spawn('nsenter', [`--net=/run/netns/${network}`, '--', process.execPath, '-e', COPY, String(port)]);
  child.stdout.on('data', (bytes: Buffer) => send(DATA, bytes));
  child.stderr.on('data', (bytes: Buffer) => send(ERRORS, bytes));
  child.on('close', () => socket.close());
  child.stdin.on('error', () => undefined);
  socket.on('message', (message: Buffer) => message[0] === DATA && child.stdin.write(message.subarray(1)));
  socket.on('close', () => child.kill());
}
