// A percentile of the recent times to the head of an answer, for the use of a backend whose hedging needs it. Attempts that end without an
// answer count if they took longer than the percentile already: those that hedging cancels are the slow ones, and without them the percentile
// would shrink with each of them.
import { TimeSketch } from '#lib/time-sketch.ts';
import { turnTime } from '#lib/turn-clock.ts';
import type { Attempt, AttemptListener } from '../exchange/attempt.ts';

/** The time after which older answers are forgotten, milliseconds: between one and two of it, and longer if there are few answers. */
const WINDOW_MS = 10_000;
/** Fewer answers say nothing. */
const MIN_ANSWERS = 100;
/** The time for which a computed percentile is used. */
const FRESH_MS = 100;
const FIRST_ERROR = 500;

export class AnswerTimes implements AttemptListener {
  readonly #share: number;
  readonly #now: () => number;
  #current = new TimeSketch();
  #previous = new TimeSketch();
  readonly #both = new TimeSketch();
  #windowBeganAt: number;
  #computedAt = -Infinity;
  #value = 0;

  /** `percentile`: above 0, up to 100. */
  constructor(percentile: number, now: () => number = turnTime) {
    this.#share = percentile / 100;
    this.#now = now;
    this.#windowBeganAt = now();
  }

  /** The percentile in milliseconds; 0 as long as there are too few answers. */
  get percentile(): number {
    if (this.#previous.total + this.#current.total < MIN_ANSWERS) return 0;
    const now = this.#now();
    if (now - this.#computedAt < FRESH_MS) return this.#value;
    this.#computedAt = now;
    this.#both.clear();
    this.#both.merge(this.#previous);
    this.#both.merge(this.#current);
    this.#value = this.#both.quantile(this.#share);
    return this.#value;
  }

  attemptEnded({ beganAt, headAt, endedAt, status }: Attempt): void {
    const ms = (headAt || endedAt) - beganAt;
    // Fast errors do not make a fast backend.
    const isAnswer = headAt > 0 && status < FIRST_ERROR;
    if (isAnswer || (this.#value > 0 && ms > this.#value)) this.#add(ms);
  }

  #add(ms: number): void {
    const now = this.#now();
    if (now - this.#windowBeganAt >= WINDOW_MS && this.#current.total >= MIN_ANSWERS) {
      [this.#previous, this.#current] = [this.#current, this.#previous];
      this.#current.clear();
      this.#windowBeganAt = now;
    }
    this.#current.add(ms);
  }
}
