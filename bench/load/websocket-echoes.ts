// The process of `websocketLoad`: opens WebSockets, sends a message on each after the echo of the last, and prints its results.
//
//   node bench/load/websocket-echoes.ts PORT PATH CONNECTIONS SECONDS
import net from 'node:net';
import type { LoadResult } from './load.ts';

const [port = '', path = '', connections = '', seconds = ''] = process.argv.slice(2);
const MESSAGE = Buffer.from('m'.repeat(32));
const MASK = Buffer.from([0x12, 0x34, 0x56, 0x78]);
const MASKED = Buffer.from(MESSAGE.map((octet, i) => octet ^ (MASK[i & 3] as number)));
/** A text frame of a client, and the expected echo. */
const SENT = Buffer.concat([Buffer.from([0x81, 0x80 | MESSAGE.length]), MASK, MASKED]);
const ECHO = Buffer.concat([Buffer.from([0x81, MESSAGE.length]), MESSAGE]);
const REQUEST = `GET ${path} HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;

const latencies: number[] = [];
let errors = 0;
const until = performance.now() + Number(seconds) * 1_000;

/** Resolves at the end of the time or of the connection. */
function live(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = net.connect({ port: Number(port), host: '127.0.0.1', noDelay: true });
  let open = false;
  let rest: Buffer = Buffer.alloc(0);
  let sentAt = 0;
  const send = (): void => {
    sentAt = performance.now();
    if (sentAt < until) socket.write(SENT);
    else socket.destroy();
  };
  socket.on('connect', () => socket.write(REQUEST));
  socket.on('data', (chunk: Buffer) => {
    if (!open) {
      open = chunk.toString('latin1').startsWith('HTTP/1.1 101') && chunk.toString('latin1').endsWith('\r\n\r\n');
      if (open) return send();
      errors++;
      return void socket.destroy();
    }
    rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    if (rest.length < ECHO.length) return;
    if (!rest.equals(ECHO)) errors++;
    rest = Buffer.alloc(0);
    latencies.push(performance.now() - sentAt);
    send();
  });
  socket.on('error', () => errors++);
  socket.on('close', () => resolve());
  return promise;
}

const begun = performance.now();
await Promise.all(Array.from({ length: Number(connections) }, live));
const lasted = (performance.now() - begun) / 1_000;
latencies.sort((a, b) => a - b);
const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? 0;
const result: LoadResult = { requests: latencies.length, seconds: lasted, p50: at(0.5), p99: at(0.99), errors };
console.log(JSON.stringify(result));
