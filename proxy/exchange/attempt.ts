// One try to have an exchange answered by one endpoint: what pools and upstream codecs take. The exchange is what the client asked
// for and outlives its attempts; nothing of an attempt is in the exchange before the request path has accepted its answer.
import type { Timer } from '#lib/timer-wheel.ts';
import type { Exchange } from './exchange.ts';
import { NO_HEADERS } from './headers.ts';
import type { Headers } from './headers.ts';
import type { UpstreamEndpoint, UpstreamPool } from './plan.ts';
import type { UpstreamStream } from './stream.ts';

/**
 * How an attempt ended. `answered`: its answer is complete, or goes on as a tunnel until both sides are done. `declined`: its answer
 * began and is not passed on. `abandoned`: the client or a deadline ended it. `failed`: the error says how.
 */
export type AttemptOutcome = 'answered' | 'declined' | 'abandoned' | 'failed';

export class Attempt {
  readonly exchange: Exchange;
  readonly endpoint: UpstreamEndpoint;
  /** Where it waits for a connection, or has one from. */
  readonly pool: UpstreamPool;
  /** The request on its connection; null before there is one and after the end. */
  stream: UpstreamStream | null = null;
  ended = false;
  /** The connection carried other exchanges before, and nothing of an answer has come: it may have died unnoticed. */
  reused = false;
  /** The code an HTTP/2 backend reset the stream with; -1 while it did not. */
  resetCode = -1;
  /** performance.now() when the backend gives a call up by the deadline that it was told; 0 where it was told none. */
  deadlineAt = 0;
  /** When it began to wait for a connection, as performance.now(); 0 where one was free. */
  waitingSince = 0;
  /** When its request went out on one, and when the head of the answer was read, as turnTime(); 0 before. */
  sentAt = 0;
  headAt = 0;
  /** Its deadline; null unless the route sets one. */
  timer: Timer | null = null;

  /** When it began, and when it was over, as turnTime(); 0 before. */
  beganAt = 0;
  endedAt = 0;
  /** Milliseconds that its connection took where it is the first on it; -1 otherwise. */
  connectMs = -1;

  // The head of the answer, as the upstream codec read it.
  status = 0;
  headers: Headers = NO_HEADERS;
  length = 0;
  /** Its version: 10, 11 or 20. */
  version = 11;

  constructor(exchange: Exchange, endpoint: UpstreamEndpoint, pool: UpstreamPool) {
    this.exchange = exchange;
    this.endpoint = endpoint;
    this.pool = pool;
  }
}
