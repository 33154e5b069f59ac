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

/** A request. Absent parts and headers are ''. */
export interface AdminRequest {
  readonly body: string;
  /** The Accept header. */
  readonly accept: string;
  /** The Content-Type header. */
  readonly contentType: string;
  /** The part of the URL behind the question mark. */
  readonly query: string;
}

/** Answers a request. */
export type Answerer = (request: AdminRequest) => Answer | Promise<Answer>;

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
}

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

/** For a server on loopback: refuses requests of web pages, also after DNS rebinding. */
export function refuseWebPages(request: IncomingMessage): string | null {
  return OWN_HOST.test(request.headers.host ?? '') ? refusePageHeaders(request) : 'the Host header must name loopback';
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
    const { status, type, body } = await this.#route(request).catch(() => text(500, 'failed'));
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    response.end(request.method === 'HEAD' ? undefined : body);
  }

  async #route(request: IncomingMessage): Promise<Answer> {
    const reason = this.#options.refuse?.(request) ?? null;
    if (reason !== null) return text(403, reason);
    if (!isAllowed(request, this.#options.token ?? '')) return text(401, 'a bearer token is needed');
    const answerer = this.#find(request);
    if (typeof answerer !== 'function') return answerer;
    const limit = this.#options.maxBodyBytes ?? MAX_BODY;
    const body = await readBody(request, limit);
    return body === null ? text(413, `the body is larger than ${limit} bytes`) : answerer(requestOf(request, body));
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

/** Compares hashes: they have equal lengths, and the comparison takes constant time. */
function isAllowed(request: IncomingMessage, token: string): boolean {
  const digest = (value: string): Buffer => createHash('sha256').update(value).digest();
  return token === '' || timingSafeEqual(digest(request.headers.authorization ?? ''), digest(`Bearer ${token}`));
}

function requestOf({ url = '', headers }: IncomingMessage, body: string): AdminRequest {
  const mark = url.indexOf('?');
  return { body, accept: headers.accept ?? '', contentType: headers['content-type'] ?? '', query: mark < 0 ? '' : url.slice(mark + 1) };
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
