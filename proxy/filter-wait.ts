// The wait of an exchange for one filter. It ends with the verdict, with the exchange, or with the time of the filter.
import { Timer, type TimerWheel } from '#lib/timer-wheel.ts';
import { turnTime } from '#lib/turn-clock.ts';
import type { Exchange } from './exchange/exchange.ts';
import type { Wait } from './exchange/plan.ts';

/** The outcomes of a wait. Each is called at most once, and none after the exchange is over. */
export interface WaitOutcomes<V> {
  decided(verdict: V): void;
  /** The filter has had its time. */
  expired(): void;
  /** The filter or one of these functions has a bug. */
  failed(bug: unknown): void;
  /** Before the others, and also if the exchange ends first. `since`: turnTime() at the start of the wait. */
  over(since: number): void;
}

/** Waits for a verdict; `timeout` in milliseconds. */
export function waitFor<V>(exchange: Exchange, verdict: Promise<V>, timeout: number, wheel: TimerWheel, outcomes: WaitOutcomes<V>): void {
  // Promises and timers are outside of the path that isolates exchanges from each other.
  const guarded = (action: () => void): void => {
    try {
      action();
    } catch (bug) {
      outcomes.failed(bug);
    }
  };
  const wait = new FilterWait(exchange, wheel, timeout, {
    expired: () => guarded(() => wait.finish() && outcomes.expired()),
    over: (since) => outcomes.over(since),
  });
  exchange.wait = wait;
  verdict.then(
    (late) => guarded(() => wait.finish() && outcomes.decided(late)),
    // Rejections after the wait are those of cancelled work.
    (bug: unknown) => guarded(() => wait.finish() && outcomes.failed(bug)),
  );
}

/** While the filter waits for a body, the timeouts of clients and backends count instead. */
class FilterWait extends Timer implements Wait {
  readonly #exchange: Exchange;
  readonly #wheel: TimerWheel;
  readonly #over: (since: number) => void;
  readonly #since = turnTime();
  #isOver = false;

  constructor(exchange: Exchange, wheel: TimerWheel, timeout: number, told: { expired(): void; over(since: number): void }) {
    super(() => {
      if (isGathering(exchange)) wheel.arm(this, timeout);
      else told.expired();
    });
    this.#exchange = exchange;
    this.#wheel = wheel;
    this.#over = told.over;
    wheel.arm(this, timeout);
  }

  leave(): void {
    this.finish();
  }

  /** Ends the wait. False: it has ended before. */
  finish(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#exchange.wait = null;
    this.#wheel.disarm(this);
    this.#over(this.#since);
    return true;
  }
}

function isGathering({ stagedRequest, stagedAnswer }: Exchange): boolean {
  return stagedRequest?.isGathering === true || stagedAnswer?.isGathering === true;
}
