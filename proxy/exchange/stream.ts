// The interfaces between codecs and the request path. Both codecs implement the same two interfaces, and the request path is the only
// listener, so every filter works with every protocol.
import type { Attempt } from './attempt.ts';
import type { ExchangeError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { Headers } from './headers.ts';

/** The length of a body that is not announced (chunked, or ended by the end of the stream). Of an answer without a body: none announced. */
export const UNKNOWN_LENGTH = -1;

/**
 * The downstream half of one exchange: it sends the answer. The h1 connection and the h2 stream implement it.
 * Chunks belong to the caller: the callee copies bytes that it keeps after the call.
 */
export interface DownstreamStream {
  /** Sends a 1xx answer; any number may come before the head. */
  writeInformational(status: number, headers: readonly string[]): void;
  /** Sends the head from exchange.status, responseHeaders and responseLength. The codec may delay it until the first chunk. */
  writeHead(exchange: Exchange): void;
  /** Sends a piece of the body. False: the caller must wait for `downstreamDrained`. */
  writeData(exchange: Exchange, chunk: Buffer): boolean;
  /** Ends the answer. The codec releases the exchange once the request has ended too. */
  end(exchange: Exchange, trailers: Headers | null): void;
  /** Cuts an incomplete answer, so that the peer cannot mistake it for a complete one. */
  abort(exchange: Exchange): void;
  /** The lag of the peer with the body that it sends or receives, milliseconds; 0 if the peer has nothing to do. */
  lag(exchange: Exchange): number;
  /** Flow control of the request body. */
  pauseRequest(): void;
  resumeRequest(): void;
  /** Turns the connection into a tunnel after a 101 or a 2xx to CONNECT: data is then raw bytes in both directions. */
  startTunnel(exchange: Exchange): void;
}

/** The upstream half of one attempt: it sends the request. */
export interface UpstreamStream {
  /** Sends a piece of the request body. False: the caller must wait for `upstreamDrained`. */
  writeData(chunk: Buffer): boolean;
  /** Ends the request body; not called if requestLength is 0. For a tunnel: half-closes the connection. */
  end(trailers: Headers | null): void;
  /** Abandons the attempt: closes an h1 connection, resets an h2 stream. No event follows. */
  abort(): void;
  /** Flow control of the answer's body. */
  pauseResponse(): void;
  resumeResponse(): void;
}

/** The events of a downstream codec. */
export interface DownstreamEvents {
  /** The head is complete and valid. Data and end follow; the end follows at once if the request has no body. */
  requestHead(exchange: Exchange): void;
  requestData(exchange: Exchange, chunk: Buffer): void;
  requestEnd(exchange: Exchange, trailers: Headers | null): void;
  /** The request is invalid; the exchange has the fields that could be read. The codec closes after the answer. */
  requestRefused(exchange: Exchange, error: ExchangeError): void;
  /** The peer left before the head was complete; no answer is possible. */
  requestTorn(exchange: Exchange, error: ExchangeError): void;
  /** The request failed after its head was accepted (bad chunk, silence). It gets an error if no answer began; else the answer is cut. */
  requestFailed(exchange: Exchange, error: ExchangeError): void;
  downstreamDrained(exchange: Exchange): void;
  /** The connection is about to close: a tunnel, which does not end by itself, may send the reason. */
  downstreamEnding(exchange: Exchange): void;
  /** The peer has disconnected: no more bytes can be sent. */
  downstreamFailed(exchange: Exchange, error: ExchangeError): void;
}

/** The events of an upstream codec. After `responseEnd` or `upstreamFailed` the codec holds no reference to the attempt. */
export interface UpstreamEvents {
  /** The head was sent on attempt.stream; the body may follow. The pool reports it. */
  upstreamReady(attempt: Attempt): void;
  /** A 1xx answer other than 101. */
  responseInformational(attempt: Attempt, status: number, headers: Headers): void;
  /** attempt.status, headers and length are set. */
  responseHead(attempt: Attempt): void;
  responseData(attempt: Attempt, chunk: Buffer): void;
  responseEnd(attempt: Attempt, trailers: Headers | null): void;
  upstreamDrained(attempt: Attempt): void;
  /** The client is far behind, and other exchanges wait for the connection. */
  clientTooSlow(attempt: Attempt): void;
  upstreamFailed(attempt: Attempt, error: ExchangeError): void;
}
