// The request path with isolated exchanges: a bug in the handling of an exchange ends only that exchange.
import type { Attempt } from './exchange/attempt.ts';
import type { Bugs } from './exchange/bugs.ts';
import type { ExchangeError } from './exchange/errors.ts';
import type { Exchange } from './exchange/exchange.ts';
import type { Headers } from './exchange/headers.ts';
import type { RequestFilter } from './exchange/plan.ts';
import { RequestPath } from './request-path.ts';
import type { PhasesOptions } from './phases.ts';

export class IsolatedRequestPath extends RequestPath {
  readonly #bugs: Bugs;

  constructor(options: PhasesOptions, bugs: Bugs) {
    super(options);
    this.#bugs = bugs;
  }

  override requestHead(exchange: Exchange): void {
    try {
      super.requestHead(exchange);
    } catch (bug) {
      this.failed(exchange, bug);
    }
  }

  override requestData(exchange: Exchange, chunk: Buffer): void {
    try {
      super.requestData(exchange, chunk);
    } catch (bug) {
      this.failed(exchange, bug);
    }
  }

  override requestEnd(exchange: Exchange, trailers: Headers | null): void {
    try {
      super.requestEnd(exchange, trailers);
    } catch (bug) {
      this.failed(exchange, bug);
    }
  }

  override requestRefused(exchange: Exchange, error: ExchangeError): void {
    try {
      super.requestRefused(exchange, error);
    } catch (bug) {
      this.failed(exchange, bug);
    }
  }

  override requestTorn(exchange: Exchange, error: ExchangeError): void {
    try {
      super.requestTorn(exchange, error);
    } catch (bug) {
      this.failed(exchange, bug);
    }
  }

  override requestFailed(exchange: Exchange, error: ExchangeError): void {
    try {
      super.requestFailed(exchange, error);
    } catch (bug) {
      this.failed(exchange, bug);
    }
  }

  override downstreamDrained(exchange: Exchange): void {
    try {
      super.downstreamDrained(exchange);
    } catch (bug) {
      this.failed(exchange, bug);
    }
  }

  override downstreamEnding(exchange: Exchange): void {
    try {
      super.downstreamEnding(exchange);
    } catch (bug) {
      this.failed(exchange, bug);
    }
  }

  override downstreamFailed(exchange: Exchange, error: ExchangeError): void {
    try {
      super.downstreamFailed(exchange, error);
    } catch (bug) {
      this.failed(exchange, bug);
    }
  }

  override forwardCopy(copy: Exchange, body: Buffer | null): void {
    try {
      super.forwardCopy(copy, body);
    } catch (bug) {
      this.failed(copy, bug);
    }
  }

  override forwardStream(exchange: Exchange): void {
    try {
      super.forwardStream(exchange);
    } catch (bug) {
      this.failed(exchange, bug);
    }
  }

  override proceed(copy: Exchange, behind: RequestFilter): void {
    try {
      super.proceed(copy, behind);
    } catch (bug) {
      this.failed(copy, bug);
    }
  }

  override upstreamReady(attempt: Attempt): void {
    try {
      super.upstreamReady(attempt);
    } catch (bug) {
      this.failed(attempt.exchange, bug);
    }
  }

  override upstreamDrained(attempt: Attempt): void {
    try {
      super.upstreamDrained(attempt);
    } catch (bug) {
      this.failed(attempt.exchange, bug);
    }
  }

  override upstreamFailed(attempt: Attempt, error: ExchangeError): void {
    try {
      super.upstreamFailed(attempt, error);
    } catch (bug) {
      this.failed(attempt.exchange, bug);
    }
  }

  override responseInformational(attempt: Attempt, status: number, headers: Headers): void {
    try {
      super.responseInformational(attempt, status, headers);
    } catch (bug) {
      this.failed(attempt.exchange, bug);
    }
  }

  override responseHead(attempt: Attempt): void {
    try {
      super.responseHead(attempt);
    } catch (bug) {
      this.failed(attempt.exchange, bug);
    }
  }

  override responseData(attempt: Attempt, chunk: Buffer): void {
    try {
      super.responseData(attempt, chunk);
    } catch (bug) {
      this.failed(attempt.exchange, bug);
    }
  }

  override responseEnd(attempt: Attempt, trailers: Headers | null): void {
    try {
      super.responseEnd(attempt, trailers);
    } catch (bug) {
      this.failed(attempt.exchange, bug);
    }
  }

  override clientTooSlow(attempt: Attempt): void {
    try {
      super.clientTooSlow(attempt);
    } catch (bug) {
      this.failed(attempt.exchange, bug);
    }
  }

  override timedOut(exchange: Exchange, error: ExchangeError): void {
    try {
      super.timedOut(exchange, error);
    } catch (bug) {
      this.failed(exchange, bug);
    }
  }

  override attemptTimedOut(attempt: Attempt): void {
    try {
      super.attemptTimedOut(attempt);
    } catch (bug) {
      this.failed(attempt.exchange, bug);
    }
  }

  override hedgeDue(exchange: Exchange): void {
    try {
      super.hedgeDue(exchange);
    } catch (bug) {
      this.failed(exchange, bug);
    }
  }

  override admitted(exchange: Exchange): void {
    try {
      super.admitted(exchange);
    } catch (bug) {
      this.failed(exchange, bug);
    }
  }

  override refused(exchange: Exchange, error: ExchangeError): void {
    try {
      super.refused(exchange, error);
    } catch (bug) {
      this.failed(exchange, bug);
    }
  }

  override retryDue(exchange: Exchange): void {
    try {
      super.retryDue(exchange);
    } catch (bug) {
      this.failed(exchange, bug);
    }
  }

  override delayOver(exchange: Exchange): void {
    try {
      super.delayOver(exchange);
    } catch (bug) {
      this.failed(exchange, bug);
    }
  }

  /** Ends the exchange with `internal_error`; if that fails too, with a cut. */
  override failed(exchange: Exchange, bug: unknown): void {
    this.#bugs.met(bug, 'exchange');
    try {
      super.failed(exchange, bug);
    } catch (another) {
      this.#bugs.met(another, 'exchange');
      discard(exchange);
    }
  }
}

/** Abandons an exchange that cannot even be answered with an error. */
function discard(exchange: Exchange): void {
  exchange.phase = 'done';
  exchange.cancel();
  exchange.downstream.abort(exchange);
}
