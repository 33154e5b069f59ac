// The interface through which the stages of a request ask whether the worker is too busy for it.
import type { ExchangeError } from './errors.ts';
import type { Exchange } from './exchange.ts';

/** The point of its life at which a request or connection is refused. */
export type SheddingStage = 'accept' | 'head' | 'connect';

export interface Shedder {
  /** Whether some requests are to be refused. */
  readonly active: boolean;
  /** Null, or the error to refuse the request with. Call it only while `active`. */
  refusal(exchange: Exchange, stage: SheddingStage): ExchangeError | null;
  /** Whether to refuse a new connection. */
  refusesConnection(): boolean;
}

/** A worker that refuses nothing. */
export const SHEDS_NOTHING: Shedder = { active: false, refusal: () => null, refusesConnection: () => false };
