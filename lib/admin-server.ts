// A small HTTP server for probes, metrics, dumps and commands, apart from the path of requests: each method and path with its answer.
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CONTENT_TYPES, formatFor } from './exposition.ts';
import type { Format } from './exposition.ts';

/** What is answered. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Answers a request; `body` is '' where none came, and `accept` is the header of that name. */
export type Answerer = (body: string, accept: string) => Answer | Promise<Answer>;

export interface AdminServerOptions {
  /** '' is every address. */
  readonly host: string;
  /** 0 is any free port. */
  readonly port: number;
  /** By method and path: `GET /livez`. */
  readonly paths: Readonly<Record<string, Answerer>>;
  /** Bearer token that every request must bring; '' or absent: none. */
  readonly token?: string;
  /** Why a request is refused, or null. */
  readonly refuse?: (request: IncomingMessage) => string | null;
}

/** Nothing that is asked for here takes a larger body. */
const MAX_BODY = 1_024;

export function text(status: number, body: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', body: `${body}\n` };
}

/** Metrics in the format that the client asks for. Clients that ask at the same time share an answer: a scrape costs, and anybody may ask. */
export function metricsAnswerer(read: (format: Format) => Promise<string>): Answerer {
  const running: Partial<Record<Format, Promise<Answer>>> = {};
  return (_body, accept) => {
    const format = formatFor(accept);
    return (running[format] ??= read(format)
      .then((body) => ({ status: 200, type: CONTENT_TYPES[format], body }))
      .finally(() => delete running[format]));
  };
}

export function json(value: unknown): Answer {
  return { status: 200, type: 'application/json', body: `${JSON.stringify(value)}\n` };
}

/** The names by which loopback is reached. A page that had its own name rebound to 127.0.0.1 sends that name. */
const OWN_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?$/i;

/** Browsers name the page that asks; what people and scripts use does not. */
export function refuseWebPages(request: IncomingMessage): string | null {
  if (!OWN_HOST.test(request.headers.host ?? '')) return 'the Host header must name loopback';
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

  /** Resolves with the port; rejects when it cannot be bound. */
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
    const body = await readBody(request);
    return body === null ? text(413, 'too large') : answerer(body, request.headers.accept ?? '');
  }

  /** Who answers, or the answer that nobody does. */
  #find({ method = '', url = '' }: IncomingMessage): Answerer | Answer {
    const { paths } = this.#options;
    const [path = ''] = url.split('?');
    const id = `${method === 'HEAD' ? 'GET' : method} ${path}`;
    if (Object.hasOwn(paths, id)) return paths[id] as Answerer;
    const known = Object.keys(paths).some((each) => each.endsWith(` ${path}`));
    return known ? text(405, `not ${method}`) : text(404, `there are: ${Object.keys(paths).join(', ')}`);
  }
}

/** Compared as hashes: equal in length, and in constant time. */
function isAllowed(request: IncomingMessage, token: string): boolean {
  const digest = (value: string): Buffer => createHash('sha256').update(value).digest();
  return token === '' || timingSafeEqual(digest(request.headers.authorization ?? ''), digest(`Bearer ${token}`));
}

/** Null when it is too large. */
async function readBody(request: IncomingMessage): Promise<string | null> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) {
    body += String(chunk);
    if (body.length > MAX_BODY) return null;
  }
  return body;
}
