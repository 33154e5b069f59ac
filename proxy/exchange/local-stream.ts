// An answer of the proxy itself that goes on after its head: events, or the frames of a WebSocket that ends in the proxy.
import type { ExchangeError } from './errors.ts';
import type { WebSocketTunnel } from './exchange.ts';

/** The source of such an answer. A filter sets it in the exchange with status and headers, and answers. */
export interface LocalStream {
  /** The frames of both directions after a 101; null: the answer has a body. */
  readonly tunnel: WebSocketTunnel | null;
  /** Of a hub: the topics that the client gets, the messages that it got, and the bytes that wait until it reads. */
  readonly topics: Iterable<string>;
  readonly sent: number;
  readonly waitingBytes: number;
  /** The head is sent. Not called if the exchange ends before. */
  begin(way: LocalWay): void;
  /** The client is behind: nothing may be sent until `resumeResponse`. */
  pauseResponse(): void;
  resumeResponse(): void;
  /** The client of a tunnel sends no more. */
  ended(): void;
  /** The connection is to end: an answer with a body ends now. */
  leave(error: ExchangeError): void;
}

/** The way to the client. It takes nothing more once the exchange is over. */
export interface LocalWay {
  /** Sends bytes, which stay with the caller. */
  data(chunk: Buffer): void;
  /** The answer is complete, or both directions of the tunnel. */
  end(): void;
  /** Ends the answer as incomplete, or the tunnel with a close frame that tells the reason. */
  fail(error: ExchangeError): void;
}
