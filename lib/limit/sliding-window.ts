// A sliding window: no stretch of the window's length has more than the limit, wherever it begins.
//
// It is a log of what was taken, in slots. Up to 128 units each request has a slot, and the window is exact. With more, requests within
// 1/125 of the window share a slot, which counts until its last moment has left the window: the limit is never exceeded, and units come
// back up to 0.8 % of the window too late. The usual estimate from two neighbouring windows needs less memory, but errs in both
// directions, and most with bursts.
import type { Meter } from './meter.ts';

/** Limits up to this are exact. */
const EXACT = 128;
/** Slots of a window with a larger limit. */
const SLOTS = 125;
const FIRST_CAPACITY = 4;
/** Slots for what was taken elsewhere. */
const LEARNT = 10;

/** The end of a slot, and its units. */
type Slot = readonly [number, number];

export class SlidingWindow implements Meter {
  readonly #limit: number;
  readonly #periodMs: number;
  /** The length of a slot; 0: each moment has its own. */
  readonly #slotMs: number;
  readonly #now: () => number;
  /** A ring of slots, oldest first: the end of each, and its units. */
  #ends = new Float64Array(FIRST_CAPACITY);
  #counts = new Float64Array(FIRST_CAPACITY);
  #first = 0;
  #size = 0;
  #taken = 0;

  constructor(limit: number, periodMs: number, now: () => number) {
    this.#limit = limit;
    this.#periodMs = periodMs;
    this.#slotMs = limit <= EXACT ? 0 : periodMs / SLOTS;
    this.#now = now;
  }

  take(cost: number): boolean {
    const now = this.#forget();
    if (this.#taken + cost > this.#limit) return false;
    this.#add(now, cost);
    return true;
  }

  charge(cost: number): void {
    this.#add(this.#forget(), cost);
  }

  /** As if it had been taken evenly over the last window. */
  learn(count: number): void {
    const now = this.#forget();
    const slots = Array.from({ length: this.#size }, (_, slot) => this.#slot(slot));
    for (let i = 1; i <= LEARNT; i++) {
      const part = Math.floor((count * i) / LEARNT) - Math.floor((count * (i - 1)) / LEARNT);
      if (part > 0) slots.push([now + (this.#periodMs * i) / LEARNT, part]);
    }
    this.#fill(slots.sort(([one], [other]) => one - other));
    this.#taken += count;
  }

  giveBack(count: number): void {
    this.#forget();
    let open = count;
    while (open > 0 && this.#size > 0) {
      const last = this.#at(this.#size - 1);
      const given = Math.min(open, this.#counts[last] ?? 0);
      this.#counts[last] = (this.#counts[last] ?? 0) - given;
      this.#taken -= given;
      open -= given;
      if (this.#counts[last] === 0) this.#size--;
    }
  }

  left(): number {
    this.#forget();
    return Math.max(0, this.#limit - this.#taken);
  }

  resetMs(): number {
    const now = this.#forget();
    return this.#size === 0 ? 0 : Math.ceil((this.#ends[this.#at(this.#size - 1)] ?? 0) - now);
  }

  waitMs(cost: number): number {
    const now = this.#forget();
    let taken = this.#taken;
    for (let i = 0; i < this.#size; i++) {
      const slot = this.#at(i);
      if (taken + cost <= this.#limit) return i === 0 ? 0 : this.#until(i - 1, now);
      taken -= this.#counts[slot] ?? 0;
    }
    return this.#size === 0 ? 0 : this.#until(this.#size - 1, now);
  }

  #until(slot: number, now: number): number {
    return Math.ceil((this.#ends[this.#at(slot)] ?? 0) - now);
  }

  #at(slot: number): number {
    return (this.#first + slot) & (this.#ends.length - 1);
  }

  /** Forgets what has left the window. */
  #forget(): number {
    const now = this.#now();
    while (this.#size > 0 && (this.#ends[this.#first] ?? 0) <= now) {
      this.#taken -= this.#counts[this.#first] ?? 0;
      this.#first = this.#at(1);
      this.#size--;
    }
    return now;
  }

  #add(now: number, cost: number): void {
    if (cost <= 0) return;
    const start = this.#slotMs === 0 ? now : (Math.floor(now / this.#slotMs) + 1) * this.#slotMs;
    const end = start + this.#periodMs;
    this.#taken += cost;
    const last = this.#at(this.#size - 1);
    if (this.#size > 0 && this.#ends[last] === end) {
      this.#counts[last] = (this.#counts[last] ?? 0) + cost;
      return;
    }
    if (this.#size === this.#ends.length) this.#grow();
    const next = this.#at(this.#size++);
    this.#ends[next] = end;
    this.#counts[next] = cost;
  }

  #grow(): void {
    this.#fill(
      Array.from({ length: this.#size }, (_, slot) => this.#slot(slot)),
      this.#ends.length * 2,
    );
  }

  /** Replaces the ring. */
  #fill(slots: readonly Slot[], leastCapacity = FIRST_CAPACITY): void {
    const capacity = Math.max(leastCapacity, 2 ** Math.ceil(Math.log2(slots.length)));
    this.#ends = new Float64Array(capacity);
    this.#counts = new Float64Array(capacity);
    for (const [to, [end, count]] of slots.entries()) {
      this.#ends[to] = end;
      this.#counts[to] = count;
    }
    this.#first = 0;
    this.#size = slots.length;
  }

  #slot(slot: number): Slot {
    const at = this.#at(slot);
    return [this.#ends[at] ?? 0, this.#counts[at] ?? 0];
  }
}
