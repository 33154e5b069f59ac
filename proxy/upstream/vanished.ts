// Finds endpoints that vanish without a word, as pods do with their node: packets to them are lost, so that requests on their connections
// would wait for an answer until the longest timeout. A silent endpoint is asked for another connection. If that is not made in time, and
// nothing came on any other connection meanwhile, then requests that are safe to repeat leave for other endpoints.
import type { Attempt } from '../exchange/attempt.ts';
import { ERRORS } from '../exchange/errors.ts';
import type { ExchangeError } from '../exchange/errors.ts';
import { canReplay, isIdempotent } from './replay.ts';

/** Further attempts of a request whose endpoints vanish. */
const MOVES = 2;
/** Nothing leads to the address any more. A refusal is a sign of life: a pod that ends refuses connections, and finishes its requests. */
const UNREACHABLE: ReadonlySet<string> = new Set(['EHOSTUNREACH', 'ENETUNREACH']);

/** A connection as a source of signs of life. */
export interface Audible {
  /** When the last bytes came, or it was connected; 0 before. performance.now(), or slightly before. */
  readonly heardAt: number;
  /** Fails its requests without a byte of an answer that may move to other endpoints. */
  letMove(mayMove: (attempt: Attempt) => boolean): void;
}

/** Whether the connection failed without a sign of life. */
function isSilence({ code, detail }: ExchangeError): boolean {
  return code === ERRORS.upstreamConnectTimeout.code || UNREACHABLE.has(detail);
}

/**
 * Whether a request without a byte of its answer may be sent to another endpoint, because of its method or its route, and there is one that
 * accepts connections.
 */
export function mayMove({ exchange, cluster }: Attempt): boolean {
  if (exchange.phase !== 'picked' || exchange.attempts > MOVES || cluster.refusing) return false;
  const isPermitted = isIdempotent(exchange) || exchange.route?.retry?.timeout === 'all';
  return isPermitted && canReplay(exchange);
}

/** The signs of life of one endpoint on connections of one kind. */
export class SignsOfLife<C extends Audible> {
  readonly #doubtTimeout: number;
  readonly #connections = new Set<C>();
  /** On connections that are closed. */
  #heardAt = 0;

  /** `doubtTimeout`: the silence from which the endpoint is in doubt, milliseconds; 0 is never. */
  constructor(doubtTimeout: number) {
    this.#doubtTimeout = doubtTimeout;
  }

  opened(connection: C): void {
    this.#connections.add(connection);
  }

  closed(connection: C): void {
    this.#heardAt = Math.max(this.#heardAt, connection.heardAt);
    this.#connections.delete(connection);
  }

  /** Whether the endpoint is in doubt: it has been silent for long enough. */
  isInDoubt(now: number): boolean {
    return this.#lastHeard() <= now - this.#doubtTimeout;
  }

  /** A connection that was requested at this time failed. Whether the endpoint has vanished: its requests leave. */
  notConnected(error: ExchangeError, requestedAt: number, now: number): boolean {
    if (this.#doubtTimeout === 0 || !isSilence(error)) return false;
    if (this.#lastHeard() > Math.min(requestedAt, now - this.#doubtTimeout)) return false;
    for (const connection of [...this.#connections]) connection.letMove(mayMove);
    return true;
  }

  #lastHeard(): number {
    let last = this.#heardAt;
    for (const { heardAt } of this.#connections) if (heardAt > last) last = heardAt;
    return last;
  }
}
