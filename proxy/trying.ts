// The attempts of exchanges, one after another or side by side: once, or again as decided in upstream/retries.ts.
import type { Endings } from './endings.ts';
import type { Attempt } from './exchange/attempt.ts';
import { ERRORS } from './exchange/errors.ts';
import type { ExchangeError } from './exchange/errors.ts';
import type { Exchange } from './exchange/exchange.ts';
import { hasRival } from './exchange/hedge.ts';
import type { Attempts } from './upstream/attempts.ts';
import type { Retries } from './upstream/retries.ts';

export interface TryingOptions {
  readonly attempts: Attempts;
  readonly retries: Retries;
  readonly endings: Pick<Endings, 'unanswered'>;
}

export class Trying {
  readonly #attempts: Attempts;
  readonly #retries: Retries;
  readonly #endings: TryingOptions['endings'];

  constructor({ attempts, retries, endings }: TryingOptions) {
    this.#attempts = attempts;
    this.#retries = retries;
    this.#endings = endings;
  }

  /** Begins an attempt; the limits of the backend may let it wait. */
  begin(exchange: Exchange): void {
    const error = this.#attempts.begin(exchange);
    if (error !== null) this.#endings.unanswered(exchange, null, error);
  }

  /** The limits of the backend let the exchange go on. */
  proceed(exchange: Exchange): void {
    const error = this.#attempts.proceed(exchange);
    if (error !== null) this.#endings.unanswered(exchange, null, error);
  }

  /** Begins another attempt in place of one. */
  repeat(attempt: Attempt): void {
    const error = this.#attempts.repeat(attempt);
    if (error !== null) this.#endings.unanswered(attempt.exchange, null, error);
  }

  /** The time for an attempt besides that under way has come. */
  hedge(exchange: Exchange): void {
    this.#attempts.hedge(exchange, (late) => this.#retries.beside(late));
  }

  /** An attempt has failed. */
  failed(attempt: Attempt, error: ExchangeError): void {
    const { exchange } = attempt;
    const isTriedElsewhere = hasRival(attempt);
    this.#attempts.ended(attempt, 'failed', error);
    if (exchange.phase === 'done' || isTriedElsewhere) return;
    if (this.#retries.afterFailure(attempt, error)) return this.repeat(attempt);
    this.#endings.unanswered(exchange, attempt, error);
  }

  /** The deadline of an attempt has passed. */
  timedOut(attempt: Attempt): void {
    noteSlowness(attempt);
    if (hasRival(attempt)) return this.#attempts.stop(attempt, 'abandoned');
    const isRepeated = this.#retries.afterFailure(attempt, ERRORS.upstreamTimeout);
    if (!isRepeated) return this.#endings.unanswered(attempt.exchange, attempt, ERRORS.upstreamTimeout);
    this.#attempts.stop(attempt, 'abandoned');
    this.repeat(attempt);
  }
}

/** A deadline passed: that tells something about the endpoint if its answer has not begun. */
export function noteSlowness(attempt: Attempt): void {
  attempt.timedOut = attempt.headAt === 0;
}
