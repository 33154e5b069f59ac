// Requests of filters to a backend; implemented by upstream/.
import type { ExchangeError } from './errors.ts';
import type { Headers } from './headers.ts';
import type { ExchangeTrace } from './tracing.ts';

/** A request of a filter. */
export interface Subrequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly authority: string;
  readonly headers: readonly string[];
  readonly body: Buffer | null;
  /** Milliseconds for everything. */
  readonly timeout: number;
  readonly maxAnswerBytes: number;
  /** Gives up; usually that of the exchange. */
  readonly signal?: AbortSignal;
  /** `http2` for gRPC; absent: the protocol of the cluster. */
  readonly protocol?: 'http2' | null;
  /** Of the exchange that the request is for; absent or null: it has no span. */
  readonly trace?: ExchangeTrace | null;
}

export interface SubrequestAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
  /** The status of a gRPC call is here, or in the headers. */
  readonly trailers: Headers | null;
}

/** Asks a cluster (key). Resolves to the answer, whatever its status, or to the reason why there is none; never rejects. */
export type Ask = (cluster: string, request: Subrequest) => Promise<SubrequestAnswer | ExchangeError>;
