// The seams between codecs and the request path: what each side may ask of the other. Both codecs implement the same two
// interfaces, and the request path is the only listener, so that every filter serves every protocol.
import type { Attempt } from './attempt.ts';
import type { ExchangeError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { Headers } from './headers.ts';

/** Body length when it is not known beforehand (chunked, or a stream that just ends). Of an answer without a body: none is told. */
export const UNKNOWN_LENGTH = -1;

/**
 * The downstream half of one exchange: where the answer goes. Implemented by the h1 connection and the h2 stream.
 * Chunks belong to the caller: what must outlive the call is copied.
 */
export interface DownstreamStream {
  /** Sends a 1xx answer; any number may come before the head. */
  writeInformational(status: number, headers: readonly string[]): void;
  /** Sends the head from exchange.status, responseHeaders and responseLength. May be held back to go out with the first chunk. */
  writeHead(exchange: Exchange): void;
  /** Sends a piece of the body. False: stop until `downstreamDrained`. */
  writeData(exchange: Exchange, chunk: Buffer): boolean;
  /** Ends the answer; the exchange is over for the codec once the request has ended too. */
  end(exchange: Exchange, trailers: Headers | null): void;
  /** Cuts an answer that cannot be completed, in a way that the peer cannot take for a complete one. */
  abort(exchange: Exchange): void;
  /** How far the peer is behind with what it sends or takes of this exchange, milliseconds; 0 where nothing is due of it. */
  lag(exchange: Exchange): number;
  /** Flow control of the request body. */
  pauseRequest(): void;
  resumeRequest(): void;
  /** Turns the connection into a tunnel after a 101 or a 2xx to CONNECT: from now on data is raw bytes in both directions. */
  startTunnel(exchange: Exchange): void;
}

/** The upstream half of one attempt: where the request goes. */
export interface UpstreamStream {
  /** Sends a piece of the request body. False: stop until `upstreamDrained`. */
  writeData(chunk: Buffer): boolean;
  /** Ends the request body; not called when requestLength is 0. In a tunnel: half-closes. */
  end(trailers: Headers | null): void;
  /** Gives the attempt up: an h1 connection is closed, an h2 stream is reset. No event comes after it. */
  abort(): void;
  /** Flow control of the answer's body. */
  pauseResponse(): void;
  resumeResponse(): void;
}

/** What a downstream codec reports. */
export interface DownstreamEvents {
  /** The head is complete and valid. Data and end follow, even for a request without a body (then the end comes at once). */
  requestHead(exchange: Exchange): void;
  requestData(exchange: Exchange, chunk: Buffer): void;
  requestEnd(exchange: Exchange, trailers: Headers | null): void;
  /** The request cannot be accepted; what could be read of it is in the exchange. The codec closes after the answer. */
  requestRefused(exchange: Exchange, error: ExchangeError): void;
  /** The peer left before the head was complete; nothing can be answered. */
  requestTorn(exchange: Exchange, error: ExchangeError): void;
  /** The request broke after its head was accepted (bad chunk, silence): answered if no answer began, cut otherwise. */
  requestFailed(exchange: Exchange, error: ExchangeError): void;
  downstreamDrained(exchange: Exchange): void;
  /** The connection is to end: a tunnel, which would never end by itself, may say so. */
  downstreamEnding(exchange: Exchange): void;
  /** The peer is gone: nothing more can be sent. */
  downstreamFailed(exchange: Exchange, error: ExchangeError): void;
}

/** What an upstream codec reports. After `responseEnd` or `upstreamFailed` it holds no reference to the attempt. */
export interface UpstreamEvents {
  /** The head was sent on attempt.stream; the body may follow. Reported by the pool. */
  upstreamReady(attempt: Attempt): void;
  /** A 1xx answer other than 101. */
  responseInformational(attempt: Attempt, status: number, headers: Headers): void;
  /** attempt.status, headers and length are set. */
  responseHead(attempt: Attempt): void;
  responseData(attempt: Attempt, chunk: Buffer): void;
  responseEnd(attempt: Attempt, trailers: Headers | null): void;
  upstreamDrained(attempt: Attempt): void;
  /** The client is far behind, and others wait for the connection. */
  clientTooSlow(attempt: Attempt): void;
  upstreamFailed(attempt: Attempt, error: ExchangeError): void;
}
