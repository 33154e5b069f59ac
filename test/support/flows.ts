// Kinds of traffic, each with a client that shares no code with Weir: HTTP/1.1 by undici or by hand, HTTP/2 by node:http2, gRPC by
// grpc-js, WebSockets by ws. Each client handles the announced end of its connection correctly.
import { Client, credentials } from '@grpc/grpc-js';
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { Agent, request } from 'undici';
import { WebSocket } from 'ws';
import { UNARY } from '../grpc/echo.ts';
import type { Exchanges, Flow } from './traffic.ts';

/** Checks an answer: null if it is right, else the error. */
export type Judge = (status: number, body: string) => string | null;

/** Accepts every answer with status 200. */
export const answered200: Judge = (status, body) => (status === 200 ? null : `status ${status}: ${body.slice(0, 200)}`);

/** Maximum duration of an exchange; a longer one is a failure. */
const DEADLINE_MS = 15_000;
/** RFC 6455 section 7.4.1: the other end is going away. */
const GOING_AWAY = 1_001;

/** Requests of HTTP/1.1 on one connection; a new one after its end. */
export function keptConnection(url: string, judge: Judge = answered200): Flow {
  return {
    name: `kept ${url}`,
    open: () => {
      const dispatcher = new Agent({ connections: 1, pipelining: 1 });
      return {
        next: async () => {
          const { statusCode, body } = await request(url, { dispatcher, signal: AbortSignal.timeout(DEADLINE_MS) });
          return judge(statusCode, await body.text());
        },
        close: () => dispatcher.destroy(),
      };
    },
  };
}

/** Requests of HTTP/1.1, each on a new connection. */
export function newConnections(url: string, judge: Judge = answered200): Flow {
  const { hostname, port, host, pathname, search } = new URL(url);
  const bytes = `GET ${pathname}${search} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`;
  const next = async () => {
    const answer = await exchange(hostname, Number(port === '' ? 80 : port), bytes);
    const head = answer.indexOf('\r\n\r\n');
    return judge(Number(answer.slice(9, 12)), answer.slice(head + 4));
  };
  return { name: `new ${url}`, open: () => ({ next, close: () => undefined }) };
}

function exchange(host: string, port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = net.connect(port, host, () => socket.write(bytes));
    socket.setTimeout(DEADLINE_MS, () => socket.destroy(new Error(`silence for ${DEADLINE_MS} ms`)));
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.once('end', () => resolve(answer));
    socket.once('error', reject);
  });
}

/** Requests of HTTP/2 without TLS on one connection; after a GOAWAY on the next. */
export function http2Streams(url: string, judge: Judge = answered200): Flow {
  return { name: `http2 ${url}`, open: () => new Http2Streams(new URL(url), judge) };
}

class Http2Streams implements Exchanges {
  readonly #url: URL;
  readonly #judge: Judge;
  #session: http2.ClientHttp2Session | null = null;
  /** Open sessions; the peer of one may have vanished without closing it. */
  readonly #open = new Set<http2.ClientHttp2Session>();

  constructor(url: URL, judge: Judge) {
    this.#url = url;
    this.#judge = judge;
  }

  /** A refused stream was not processed: it is sent again, once (RFC 9113 section 8.7). */
  async next(): Promise<string | null> {
    const stream = this.#request();
    try {
      return await this.#answer(stream);
    } catch (error) {
      if (stream.rstCode !== http2.constants.NGHTTP2_REFUSED_STREAM) throw error;
      this.#session = null;
      return await this.#answer(this.#request());
    }
  }

  #request(): http2.ClientHttp2Stream {
    this.#session ??= this.#connect();
    const stream = this.#session.request({ ':path': `${this.#url.pathname}${this.#url.search}` });
    stream.setTimeout(DEADLINE_MS, () => stream.destroy(new Error(`silence for ${DEADLINE_MS} ms`)));
    return stream;
  }

  async #answer(stream: http2.ClientHttp2Stream): Promise<string | null> {
    stream.setEncoding('utf8');
    let body = '';
    stream.on('data', (chunk: string) => (body += chunk));
    const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader];
    if (!stream.readableEnded) await once(stream, 'end');
    return this.#judge(headers[':status'] ?? 0, body);
  }

  close(): void {
    for (const session of this.#open) session.destroy();
  }

  #connect(): http2.ClientHttp2Session {
    const session = http2.connect(this.#url.origin);
    this.#open.add(session);
    session.once('close', () => this.#open.delete(session));
    const forget = () => {
      if (this.#session === session) this.#session = null;
    };
    // The error rejects the open streams; a session that fails without streams is only replaced.
    for (const event of ['goaway', 'error', 'close']) session.on(event, forget);
    return session;
  }
}

/** Unary calls of test.Echo to `host:port` without TLS on one channel. */
export function grpcCalls(address: string): Flow {
  return {
    name: `grpc ${address}`,
    open: () => {
      const client = new Client(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
      return { next: () => call(client), close: () => client.close() };
    },
  };
}

function call(client: Client): Promise<string | null> {
  const { path, requestSerialize, responseDeserialize } = UNARY;
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      Buffer.from('ping'),
      { deadline: Date.now() + DEADLINE_MS },
      (error, value) => resolve(error === null && String(value).endsWith('ping') ? null : String(error ?? value)),
    );
  });
}

/** Echoed messages on one WebSocket; one that a draining proxy closes (1001) is replaced. */
export function webSocketEchoes(url: string): Flow {
  return { name: `websocket ${url}`, open: () => new WebSocketEchoes(url) };
}

class WebSocketEchoes implements Exchanges {
  readonly #url: string;
  #socket: WebSocket | null = null;
  #count = 0;
  /** Ends the wait for an echo; null while there is none. */
  #settle: ((reason: string | null) => void) | null = null;
  /** Why the socket was closed between two exchanges, if that is a failure. */
  #broken: string | null = null;

  constructor(url: string) {
    this.#url = url;
  }

  async next(): Promise<string | null> {
    const broken = this.#broken;
    this.#broken = null;
    if (broken !== null) return broken;
    this.#socket ??= await this.#connect();
    const { promise, resolve } = Promise.withResolvers<string | null>();
    this.#settle = resolve;
    const timer = setTimeout(() => resolve(`no echo for ${DEADLINE_MS} ms`), DEADLINE_MS);
    this.#socket.send(String(++this.#count));
    const reason = await promise;
    clearTimeout(timer);
    this.#settle = null;
    return reason;
  }

  close(): void {
    this.#socket?.terminate();
  }

  async #connect(): Promise<WebSocket> {
    const socket = new WebSocket(this.#url, { handshakeTimeout: DEADLINE_MS });
    await once(socket, 'open');
    // The close code reports later failures.
    socket.on('error', () => undefined);
    socket.on('message', (data: Buffer) => this.#settle?.(data.toString() === String(this.#count) ? null : `echoed ${data.toString()}`));
    socket.on('close', (code) => this.#closed(code));
    return socket;
  }

  #closed(code: number): void {
    this.#socket = null;
    const reason = code === GOING_AWAY ? null : `closed with ${code}`;
    if (this.#settle === null) this.#broken = reason;
    else this.#settle(reason);
  }
}
