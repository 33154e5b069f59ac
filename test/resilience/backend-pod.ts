// The backend in Pods of tests: HTTP/1.1, HTTP/2 and gRPC on a port each. After SIGTERM it serves on for LINGER_MS, and then ends as servers
// do: it accepts no connection, tells those that are open, and finishes what it has begun.
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import { setTimeout as delay } from 'node:timers/promises';
import { UNARY } from '../grpc/echo.ts';
import { BACKEND_PORTS } from './backend-ports.ts';

/** The time to answer: requests are under way at any moment. */
const ANSWER_MS = 10;

const sessions = new Set<http2.ServerHttp2Session>();

const plain = http.createServer((request, response) => {
  request.resume();
  setTimeout(() => response.end('ok'), ANSWER_MS);
});
const framed = http2.createServer((request, response) => {
  request.resume();
  setTimeout(() => response.end('ok'), ANSWER_MS);
});
framed.on('session', (session) => {
  sessions.add(session);
  session.on('close', () => sessions.delete(session));
});
const calls = new Server();
calls.register(
  UNARY.path,
  (call: { readonly request: Buffer }, done: (error: null, value: Buffer) => void) => {
    setTimeout(() => done(null, call.request), ANSWER_MS);
  },
  UNARY.responseSerialize,
  UNARY.requestDeserialize,
  'unary',
);

process.once('SIGTERM', () => void end());

plain.listen(BACKEND_PORTS.http);
framed.listen(BACKEND_PORTS.h2c);
await new Promise<void>((resolve, reject) => {
  calls.bindAsync(`0.0.0.0:${BACKEND_PORTS.grpc}`, ServerCredentials.createInsecure(), (error) =>
    error === null ? resolve() : reject(error),
  );
});

async function end(): Promise<void> {
  await delay(Number(process.env['LINGER_MS'] ?? 0));
  for (const session of sessions) session.close();
  plain.close();
  framed.close();
  await Promise.all([once(plain, 'close'), once(framed, 'close'), new Promise<void>((resolve) => calls.tryShutdown(() => resolve()))]);
  process.exit(0);
}
