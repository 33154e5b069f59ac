// A small HTTP server for probes, metrics, dumps and commands, separate from the request path. Each method and path has a handler.
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CONTENT_TYPES, formatFor } from './exposition.ts';
import type { Format } from './exposition.ts';

/** An answer. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** An answer whose body comes in parts, while the work goes on. */
export interface StreamedAnswer {
  readonly status: number;
  readonly type: string;
  /** Writes the body. If it rejects, the connection is cut: a torn body does not look complete. */
  readonly stream: (body: Body) => Promise<void>;
}

/** The body of a streamed answer. */
export interface Body {
  /** Resolves when there is room for more, or the caller has left. */
  write(data: string | Buffer): Promise<void>;
}

/** A request. Absent parts and headers are ''. */
export interface AdminRequest {
  readonly body: string;
  /** The Accept header. */
  readonly accept: string;
  /** The Content-Type header. */
  readonly contentType: string;
  /** The part of the URL behind the question mark. */
  readonly query: string;
  /** The address of the caller, for logs. */
  readonly caller: string;
  /** The caller has left before the end of the answer, or the server stops. */
  readonly signal: AbortSignal;
}

/** Answers a request. */
export type Answerer = (request: AdminRequest) => Answer | StreamedAnswer | Promise<Answer | StreamedAnswer>;

export interface AdminServerOptions {
  /** '' binds every address. */
  readonly host: string;
  /** 0 binds a free port. */
  readonly port: number;
  /** Handlers by method and path: `GET /livez`. */
  readonly paths: Readonly<Record<string, Answerer>>;
  /** Bearer token that every request must have; '' or absent: none. */
  readonly token?: string;
  /** The reason to refuse a request, or null. */
  readonly refuse?: (request: IncomingMessage) => string | null;
  /** The largest body of a request, bytes; 1024 if absent. */
  readonly maxBodyBytes?: number;
  /** A caller that takes nothing of a streamed answer for so many milliseconds is cut off, as the sources of the answer wait for it; 10 s if absent. */
  readonly stalledMs?: number;
}

const STALLED_MS = 10_000;

/** Probes, dumps and simple commands need no larger body. */
const MAX_BODY = 1_024;

export function text(status: number, body: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', body: `${body}\n` };
}

/**
 * Metrics in the format that the client requests. Concurrent clients share an answer: a scrape costs CPU, and the port is open to every
 * client.
 */
export function metricsAnswerer(read: (format: Format) => Promise<string>): Answerer {
  const running: Partial<Record<Format, Promise<Answer>>> = {};
  return ({ accept }) => {
    const format = formatFor(accept);
    return (running[format] ??= read(format)
      .then((body) => ({ status: 200, type: CONTENT_TYPES[format], body }))
      .finally(() => delete running[format]));
  };
}

export function json(value: unknown): Answer {
  return { status: 200, type: 'application/json', body: `${JSON.stringify(value)}\n` };
}

/** The host names of loopback. After DNS rebinding, a web page sends its own host name instead. */
const OWN_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?$/i;

/** Whether a Host header names loopback. */
export function namesLoopback(host: string): boolean {
  return OWN_HOST.test(host);
}

/** For a server on loopback: refuses requests of web pages, also after DNS rebinding. */
export function refuseWebPages(request: IncomingMessage): string | null {
  return namesLoopback(request.headers.host ?? '') ? refusePageHeaders(request) : 'the Host header must name loopback';
}

/** For a server at any address. Browsers send these headers with requests of web pages; command line tools do not. */
export function refusePageHeaders(request: IncomingMessage): string | null {
  const site = request.headers['sec-fetch-site'] ?? 'none';
  return request.headers.origin !== undefined || site !== 'none' ? 'not for web pages' : null;
}

export class AdminServer {
  readonly #options: AdminServerOptions;
  readonly #server: Server;

  constructor(options: AdminServerOptions) {
    this.#options = options;
    this.#server = createServer(
      { requestTimeout: 10_000, headersTimeout: 5_000, keepAliveTimeout: 5_000 },
      (request, response) => void this.#answer(request, response),
    );
    this.#server.maxConnections = 256;
  }

  /** Resolves to the port; rejects when the server cannot bind it. */
  async start(): Promise<number> {
    const { host, port } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    this.#server.listen({ port, ...(host === '' ? {} : { host }) }, resolve);
    await promise;
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const left = new AbortController();
    response.once('close', () => left.abort());
    const answer = await this.#route(request, left.signal).catch(() => text(500, 'failed'));
    response.writeHead(answer.status, { 'content-type': answer.type, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    if (request.method === 'HEAD') response.end();
    else if ('body' in answer) response.end(answer.body);
    else await streamTo(response, answer.stream, this.#options.stalledMs ?? STALLED_MS);
  }

  async #route(request: IncomingMessage, signal: AbortSignal): Promise<Answer | StreamedAnswer> {
    const reason = this.#options.refuse?.(request) ?? null;
    if (reason !== null) return text(403, reason);
    if (!isAllowed(request, this.#options.token ?? '')) return text(401, 'a bearer token is needed');
    const answerer = this.#find(request);
    if (typeof answerer !== 'function') return answerer;
    const limit = this.#options.maxBodyBytes ?? MAX_BODY;
    const body = await readBody(request, limit);
    return body === null ? text(413, `the body is larger than ${limit} bytes`) : answerer(requestOf(request, body, signal));
  }

  /** The handler of a request, or the answer for an unknown method or path. */
  #find({ method = '', url = '' }: IncomingMessage): Answerer | Answer {
    const { paths } = this.#options;
    const [path = ''] = url.split('?');
    const id = `${method === 'HEAD' ? 'GET' : method} ${path}`;
    if (Object.hasOwn(paths, id)) return paths[id] as Answerer;
    const known = Object.keys(paths).some((each) => each.endsWith(` ${path}`));
    return known ? text(405, `not ${method}`) : text(404, `there are: ${Object.keys(paths).join(', ')}`);
  }
}

async function streamTo(response: ServerResponse, stream: StreamedAnswer['stream'], stalledMs: number): Promise<void> {
  // The caller sees the head before the first part.
  response.flushHeaders();
  try {
    await stream({ write: (data) => written(response, data, stalledMs) });
    response.end();
  } catch {
    response.destroy();
  }
}

/** Resolves when there is room for more, or the connection is closed. */
function written(response: ServerResponse, data: string | Buffer, stalledMs: number): Promise<void> {
  if (response.destroyed || response.write(data)) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const stalled = setTimeout(() => response.destroy(), stalledMs);
  const done = (): void => {
    clearTimeout(stalled);
    response.removeListener('drain', done);
    response.removeListener('close', done);
    resolve();
  };
  response.once('drain', done);
  response.once('close', done);
  return promise;
}

/** Compares hashes: they have equal lengths, and the comparison takes constant time. */
function isAllowed(request: IncomingMessage, token: string): boolean {
  const digest = (value: string): Buffer => createHash('sha256').update(value).digest();
  return token === '' || timingSafeEqual(digest(request.headers.authorization ?? ''), digest(`Bearer ${token}`));
}

function requestOf({ url = '', headers, socket }: IncomingMessage, body: string, signal: AbortSignal): AdminRequest {
  const query = url.includes('?') ? url.slice(url.indexOf('?') + 1) : '';
  return {
    body,
    accept: headers.accept ?? '',
    contentType: headers['content-type'] ?? '',
    query,
    caller: socket.remoteAddress ?? '',
    signal,
  };
}

/** Null if the body is too large. */
async function readBody(request: IncomingMessage, limit: number): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limit) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
