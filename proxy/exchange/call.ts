// Calls of filters to a backend that last: bytes go both ways while the exchange of the filter goes on. Implemented by upstream/.
import type { ExchangeError } from './errors.ts';
import type { Headers } from './headers.ts';
import type { ExchangeTrace } from './tracing.ts';

/** A call of a filter: a POST over HTTP/2. */
export interface CallRequest {
  readonly path: string;
  readonly authority: string;
  readonly headers: readonly string[];
  /** Of the exchange that the call is for; absent or null: it has no span. */
  readonly trace?: ExchangeTrace | null;
}

/** The end of a call: its trailers, or those in the head of an answer without a body, or an error. */
export type CallEnd = { readonly trailers: Headers } | ExchangeError;

/** Gets the answer of a call. */
export interface CallListener {
  /** The head has arrived. */
  head(status: number, headers: Headers): void;
  /** A piece of the answer, which belongs to the caller. False: the listener is full until it calls `resume`. */
  data(chunk: Buffer): boolean;
  /** The backend has room again. */
  drained(): void;
  /** The call is over, and nothing follows. Not called after `cancel`. */
  over(end: CallEnd): void;
}

/** A call under way. */
export interface Call {
  /** Sends a piece of the body. False: the backend is behind until `drained`. */
  write(chunk: Buffer): boolean;
  /** Ends the body; the answer may go on. */
  end(): void;
  /** Gives up. */
  cancel(): void;
  /** The listener has room again. */
  resume(): void;
}

/** Calls a cluster (key). Never throws; the listener may be called before it returns. */
export type OpenCall = (cluster: string, request: CallRequest, listener: CallListener) => Call;
