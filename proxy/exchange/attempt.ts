// One attempt to get an exchange answered by one endpoint: the unit that pools and upstream codecs handle. The exchange outlives its
// attempts; it has nothing of an attempt until the request path accepts the answer.
import type { Timer } from '#lib/timer-wheel.ts';
import type { ExchangeError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { NO_HEADERS } from './headers.ts';
import type { Headers } from './headers.ts';
import type { UpstreamCluster, UpstreamEndpoint, UpstreamPool } from './plan.ts';
import type { UpstreamStream } from './stream.ts';

/**
 * The outcome of an attempt. `answered`: the answer is complete, or continues as a tunnel until both sides are done. `declined`: the answer
 * started and is not passed on. `abandoned`: the client, a deadline or another attempt ended it. `failed`: with an error.
 */
export type AttemptOutcome = 'answered' | 'declined' | 'abandoned' | 'failed';

/** Learns from attempts: counts, balancers, health, limits. */
export interface AttemptListener {
  /** Called once per attempt, when it is over. `error`: the failure; null for every other outcome. */
  attemptEnded(attempt: Attempt, outcome: AttemptOutcome, error: ExchangeError | null): void;
}

export class Attempt {
  readonly exchange: Exchange;
  /** The cluster that chose the endpoint. */
  readonly cluster: UpstreamCluster;
  readonly endpoint: UpstreamEndpoint;
  /** The pool that the attempt waits in or has a connection from. */
  readonly pool: UpstreamPool;
  /** The request on its connection; null before and after. */
  stream: UpstreamStream | null = null;
  ended = false;
  /** 1 for the first attempt of the exchange at its backend. */
  readonly number: number;
  /** The attempts of the exchange before, also at other backends. */
  readonly resend: number;
  /** The connection had carried other exchanges, and no byte of an answer has arrived: the backend may have closed it unnoticed. */
  reused = false;
  /** The code of the backend's RST_STREAM; -1 without one. */
  resetCode = -1;
  /** performance.now() at which the backend gives up the call, by the deadline it was sent; 0 without a deadline. */
  deadlineAt = 0;
  /** performance.now() at the start of the wait for a connection; 0 without a wait. */
  waitingSince = 0;
  /** turnTime() when the request was sent, and when the head of the answer was read; 0 before. */
  sentAt = 0;
  headAt = 0;
  /** It began while another attempt was under way. */
  hedged = false;
  /** The pause before the next attempt, once one is decided; milliseconds. */
  pause = 0;
  /** Its deadline, or that of the request, passed before the head of the answer came. */
  timedOut = false;
  /** Its deadline; null unless the route sets one. */
  timer: Timer | null = null;

  /** turnTime() at the start and at the end; 0 before. */
  beganAt = 0;
  endedAt = 0;
  /** The time to connect in milliseconds, if this is the first attempt on the connection; otherwise -1. */
  connectMs = -1;

  /** The span of the attempt, 16 hexadecimal digits; '' without a trace. */
  spanId = '';
  /** Headers of its request besides those of the exchange: attempts at the same time have other ones. Null: none. */
  ownHeaders: Headers | null = null;
  /** How it ended, and its error; kept for traces only, null otherwise. */
  outcome: AttemptOutcome | null = null;
  error: ExchangeError | null = null;

  // The head of the answer, from the upstream codec.
  status = 0;
  headers: Headers = NO_HEADERS;
  length = 0;
  /** Its HTTP version: 10, 11 or 20. */
  version = 11;

  constructor(exchange: Exchange, cluster: UpstreamCluster, endpoint: UpstreamEndpoint, pool: UpstreamPool) {
    this.exchange = exchange;
    this.cluster = cluster;
    this.resend = exchange.attempts;
    this.number = ++exchange.attempts - exchange.attemptsBefore;
    this.endpoint = endpoint;
    this.pool = pool;
  }
}
