// Sends the answers of the proxy itself that go on after their head.
import type { ExchangeError } from './exchange/errors.ts';
import type { Exchange } from './exchange/exchange.ts';
import type { Headers } from './exchange/headers.ts';
import type { LocalStream, LocalWay } from './exchange/local-stream.ts';

const HTTP2 = 20;

export interface LocalStreamsOptions {
  /** Switches the protocol of the connection. */
  readonly openTunnel: (exchange: Exchange) => void;
  /** No deadline of a request counts any more. */
  readonly stopTimeouts: (exchange: Exchange) => void;
  /** Sends a chunk to the client. False: the client is behind. */
  readonly send: (exchange: Exchange, chunk: Buffer) => boolean;
  readonly ends: (exchange: Exchange, trailers: Headers | null) => void;
  readonly fail: (exchange: Exchange, error: ExchangeError) => void;
  /** The stream has a bug. */
  readonly failed: (exchange: Exchange, bug: unknown) => void;
}

export class LocalStreams {
  readonly #options: LocalStreamsOptions;

  constructor(options: LocalStreamsOptions) {
    this.#options = options;
  }

  /** The head of the answer is sent. */
  begin(exchange: Exchange, stream: LocalStream): void {
    if (stream.tunnel === null) this.#options.stopTimeouts(exchange);
    else {
      exchange.webSocket = stream.tunnel;
      this.#options.openTunnel(exchange);
    }
    stream.begin(new Way(exchange, stream, this.#options));
  }
}

/** Calls come from timers and other exchanges, outside of the path that isolates exchanges from each other. */
class Way implements LocalWay {
  readonly #exchange: Exchange;
  readonly #stream: LocalStream;
  readonly #options: LocalStreamsOptions;

  constructor(exchange: Exchange, stream: LocalStream, options: LocalStreamsOptions) {
    this.#exchange = exchange;
    this.#stream = stream;
    this.#options = options;
  }

  data(chunk: Buffer): void {
    const exchange = this.#exchange;
    if (exchange.phase === 'done') return;
    try {
      if (exchange.stagedAnswer !== null && !exchange.tunnel) exchange.stagedAnswer.data(chunk);
      else if (!this.#options.send(exchange, chunk)) this.#stream.pauseResponse();
    } catch (bug) {
      this.#options.failed(exchange, bug);
    }
  }

  end(): void {
    const exchange = this.#exchange;
    if (exchange.phase === 'done') return;
    try {
      if (exchange.stagedAnswer !== null && !exchange.tunnel) return exchange.stagedAnswer.end(null);
      // Over HTTP/2 the end of the client follows: a reset before it could cost the client the close frame.
      if (exchange.tunnel && exchange.version !== HTTP2) exchange.requestEnded = true;
      this.#options.ends(exchange, null);
    } catch (bug) {
      this.#options.failed(exchange, bug);
    }
  }

  fail(error: ExchangeError): void {
    if (this.#exchange.phase === 'done') return;
    try {
      this.#options.fail(this.#exchange, error);
    } catch (bug) {
      this.#options.failed(this.#exchange, bug);
    }
  }
}
