// The HTTP server of probes, metrics and dumps: GET only, each path with its answer, dumps with a token where there is one.
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHash, timingSafeEqual } from 'node:crypto';

/** What a path answers. */
export interface AdminAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** A server's paths. Who may ask: everybody who reaches it, or those with the token. */
export interface AdminOptions {
  readonly host: string;
  readonly port: number;
  /** Bearer token; '' for none. */
  readonly token: string;
  readonly paths: Readonly<Record<string, () => AdminAnswer | Promise<AdminAnswer>>>;
}

export function text(status: number, body: string): AdminAnswer {
  return { status, type: 'text/plain; charset=utf-8', body: `${body}\n` };
}

export function json(value: unknown): AdminAnswer {
  return { status: 200, type: 'application/json', body: `${JSON.stringify(value, null, 2)}\n` };
}

export class AdminServer {
  readonly #options: AdminOptions;
  readonly #server: Server;

  constructor(options: AdminOptions) {
    this.#options = options;
    this.#server = createServer(
      { requestTimeout: 10_000, headersTimeout: 5_000 },
      (request, response) => void this.#answer(request, response),
    );
    this.#server.maxConnections = 256;
  }

  /** Resolves with the port; rejects when it cannot be bound. */
  async start(): Promise<number> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ port, ...(host === '' ? {} : { host }) }, resolve);
    });
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

  async #route(request: IncomingMessage): Promise<AdminAnswer> {
    const { paths, token } = this.#options;
    const [path = ''] = (request.url ?? '').split('?');
    if (request.method !== 'GET' && request.method !== 'HEAD') return text(405, 'only GET');
    if (token !== '' && !isToken(request.headers.authorization, token)) return text(401, 'a bearer token is needed');
    const answer = Object.hasOwn(paths, path) ? paths[path] : undefined;
    return answer === undefined ? text(404, `there are: ${Object.keys(paths).join(' ')}`) : answer();
  }
}

/** Compared as hashes: equal in length, and in constant time. */
function isToken(header: string | undefined, token: string): boolean {
  const digest = (value: string) => createHash('sha256').update(value).digest();
  return timingSafeEqual(digest(header ?? ''), digest(`Bearer ${token}`));
}
