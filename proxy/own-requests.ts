// Requests of the proxy itself through its routes, as clients send them: with all filters, in metrics and logs. The answers have no receiver.
import { normaliseHost, normalisePath } from '#api/match/normalise.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { ERRORS, type ExchangeError } from './exchange/errors.ts';
import { Exchange, type DownstreamConnection, type DownstreamTls } from './exchange/exchange.ts';
import { NoClient } from './exchange/no-client.ts';

/** A URL, as the head of a request has it. */
export interface Target {
  readonly scheme: 'http' | 'https';
  readonly authority: string;
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** Null without one. */
  readonly query: string | null;
}

const DEFAULT_PORTS = { http: 80, https: 443 };

/** Reads a URL of a user. */
export function targetOf(text: string): Result<Target> {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return err('is no URL that begins with http:// or https://');
  if (url.username !== '' || url.password !== '') return err('has a password: write the URL without it');
  const [host, path] = [normaliseHost(url.host), normalisePath(url.pathname)];
  if (host === null || path === null) return err('has a host or path that no request may have');
  const scheme = url.protocol === 'https:' ? 'https' : 'http';
  const query = url.search === '' ? null : url.search.slice(1);
  return ok({ scheme, authority: url.host, host, port: Number(url.port) || DEFAULT_PORTS[scheme], path, query });
}

/** What the request path does for requests of the proxy itself. */
export interface OwnRequestsOptions {
  /** Takes a request without a body. */
  readonly begin: (exchange: Exchange) => void;
  /** The answer is not wanted any more. */
  readonly leave: (exchange: Exchange, error: ExchangeError) => void;
}

export class OwnRequests {
  readonly #options: OwnRequestsOptions;

  constructor(options: OwnRequestsOptions) {
    this.#options = options;
  }

  /** Sends GET with these headers to the listener at a port. Resolves to the exchange once it is over; the signal ends it. */
  get(target: Target, port: number, headers: readonly string[], signal: AbortSignal): Promise<Exchange> {
    return new Promise((resolve) => {
      const receiver = new Receiver(signal, this.#options, resolve);
      const exchange = new Exchange(connectionTo(target, port), receiver, performance.now());
      exchange.method = 'GET';
      exchange.authority = target.authority;
      exchange.host = target.host;
      exchange.path = target.path;
      exchange.query = target.query ?? '';
      exchange.hasQuery = target.query !== null;
      exchange.requestHeaders = [...headers];
      receiver.start(exchange);
      this.#options.begin(exchange);
      if (signal.aborted) receiver.leave();
    });
  }
}

class Receiver extends NoClient {
  readonly #signal: AbortSignal;
  readonly #options: OwnRequestsOptions;
  readonly #resolve: (exchange: Exchange) => void;
  #exchange: Exchange | null = null;

  constructor(signal: AbortSignal, options: OwnRequestsOptions, resolve: (exchange: Exchange) => void) {
    super();
    this.#signal = signal;
    this.#options = options;
    this.#resolve = resolve;
  }

  start(exchange: Exchange): void {
    this.#exchange = exchange;
    this.#signal.addEventListener('abort', this.leave, { once: true });
  }

  end(): void {
    this.#over();
  }

  abort(): void {
    this.#over();
  }

  readonly leave = (): void => {
    const exchange = this.#exchange;
    if (exchange === null) return;
    this.#options.leave(exchange, ERRORS.downstreamReset);
    this.#over();
  };

  #over(): void {
    const exchange = this.#exchange;
    if (exchange === null) return;
    this.#exchange = null;
    this.#signal.removeEventListener('abort', this.leave);
    this.#resolve(exchange);
  }
}

/** The listener has no connection to check: the operator says which listener gets the request. */
function connectionTo({ scheme, host }: Target, localPort: number): DownstreamConnection {
  const tls = scheme === 'https' ? handshakeFor(host) : null;
  return { remoteAddress: '127.0.0.1', remotePort: 0, localAddress: '127.0.0.1', localPort, protocol: 'http/1.1', tls };
}

function handshakeFor(serverName: string): DownstreamTls {
  return { serverName, version: 'TLSv1.3', cipher: '', alpn: 'http/1.1', clientCertificate: null, vouches: () => true };
}
