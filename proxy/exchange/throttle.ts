// The speed of a flow of bytes, by pauses of its source. A chunk passes at once and may leave a debt; the source pauses until the debt is
// paid. So there is one timer for each flow, and none for each chunk. Flows may share a bucket: then each of them waits until the debt of all
// is paid, and looks again, because another one may have been faster.
import { Timer } from '#lib/timer-wheel.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';
import type { TokenBucket } from '#lib/token-bucket.ts';
import type { BodyThrottle } from './exchange.ts';

/** The source of a flow. */
export interface ThrottledSource {
  pause(): void;
  resume(): void;
}

/** One flow: its source runs while the receiver has room and there is no debt. */
export class Throttle implements BodyThrottle {
  readonly #source: ThrottledSource;
  readonly #wheel: Pick<TimerWheel, 'arm' | 'disarm'>;
  readonly #bucket: TokenBucket | null;
  readonly #timer = new Timer(() => this.#look());
  #full = false;

  /** `bucket`: null without a limit. */
  constructor(bucket: TokenBucket | null, source: ThrottledSource, wheel: Pick<TimerWheel, 'arm' | 'disarm'>) {
    this.#bucket = bucket;
    this.#source = source;
    this.#wheel = wheel;
  }

  get waits(): boolean {
    return this.#timer.armed;
  }

  begin(): void {
    if (this.#owes()) this.#source.pause();
  }

  passed(octets: number, room: boolean): void {
    if (!room) this.#full = true;
    if (this.#bucket !== null) this.#bucket.spend(octets);
    if (this.#owes() || this.#full) this.#source.pause();
  }

  drained(): void {
    this.#full = false;
    if (!this.#timer.armed) this.#source.resume();
  }

  stop(): void {
    this.#wheel.disarm(this.#timer);
  }

  /** Arms the timer for the end of the debt. False: there is none. */
  #owes(): boolean {
    const debt = this.#bucket === null ? 0 : this.#bucket.debt;
    if (debt > 0) this.#wheel.arm(this.#timer, debt);
    return debt > 0;
  }

  #look(): void {
    if (!this.#owes() && !this.#full) this.#source.resume();
  }
}
