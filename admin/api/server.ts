// The sockets of the admin API: address, TLS, limits for slow callers, start and stop.
import { createServer as createPlain, type RequestListener, type Server } from 'node:http';
import { createServer as createTls } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { BindAddress } from '#lib/flags.ts';
import type { Log } from '#lib/log.ts';
import { buildApp, type AppOptions } from './app.ts';
import { Gate, type GateOptions } from './gate.ts';
import type { ServerLimits } from './limits.ts';
import { isLoopback } from './loopback.ts';
import { TlsPair, type TlsFiles } from './tls.ts';

export interface AdminApiOptions extends Omit<AppOptions, 'gate' | 'signal' | 'makeServer' | 'hasTls'>, Omit<GateOptions, 'isLoopback'> {
  readonly address: BindAddress;
  /** Null: the server has no TLS. */
  readonly tls: TlsFiles | null;
  readonly limits: ServerLimits;
  readonly log: Log;
}

export class AdminApi {
  readonly #options: AdminApiOptions;
  readonly #stopping = new AbortController();
  #tls: TlsPair | null = null;
  #app: FastifyInstance | null = null;
  #server: Server | null = null;

  constructor(options: AdminApiOptions) {
    this.#options = options;
  }

  /** Resolves to the port. Rejects if the server cannot bind it, or if it cannot use the files of its certificate. */
  async start(): Promise<number> {
    const { tls, log } = this.#options;
    this.#tls = tls === null ? null : await TlsPair.load(tls, log);
    const gate = new Gate({ ...this.#options, isLoopback: isLoopback(this.#options.address.host) });
    const makeServer = (listener: RequestListener): Server => (this.#server = this.#makeServer(listener));
    this.#app = buildApp({ ...this.#options, gate, signal: this.#stopping.signal, makeServer, hasTls: tls !== null });
    await this.#app.ready();
    return this.#listen();
  }

  /** Reads the files of the certificate now; without TLS this has no effect. */
  async refreshCertificate(): Promise<void> {
    await this.#tls?.refresh();
  }

  /** Cuts open connections, also those of streams. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#tls?.stop();
    const server = this.#server;
    if (server?.listening === true) {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    }
    await this.#app?.close();
  }

  async #listen(): Promise<number> {
    const server = this.#server as Server;
    const { host, port } = this.#options.address;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', reject);
    server.listen({ port, ...(host === '' ? {} : { host }) }, resolve);
    await promise;
    return (server.address() as AddressInfo).port;
  }

  #makeServer(listener: RequestListener): Server {
    const { head, request, idle, check, connections, headBytes } = this.#options.limits;
    const options = {
      headersTimeout: head,
      requestTimeout: request,
      connectionsCheckingInterval: check,
      keepAliveTimeout: head,
      maxHeaderSize: headBytes,
    };
    const server = this.#tls === null ? createPlain(options, listener) : createTls({ ...options, ...this.#tls.settings }, listener);
    server.maxConnections = connections;
    server.setTimeout(idle);
    this.#tls?.applyTo(server);
    return server;
  }
}
