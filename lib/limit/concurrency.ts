// A limit of concurrent requests: a unit is left again when its request ends.
import { UNKNOWN } from './meter.ts';
import type { Meter } from './meter.ts';

export class Concurrency implements Meter {
  readonly #limit: number;
  #taken = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  take(cost: number): boolean {
    if (this.#taken + cost > this.#limit) return false;
    this.#taken += cost;
    return true;
  }

  charge(cost: number): void {
    this.#taken += cost;
  }

  learn(count: number): void {
    this.charge(count);
  }

  giveBack(count: number): void {
    this.#taken = Math.max(0, this.#taken - count);
  }

  left(): number {
    return Math.max(0, this.#limit - this.#taken);
  }

  resetMs(): number {
    return this.#taken === 0 ? 0 : UNKNOWN;
  }

  waitMs(cost: number): number {
    return this.#taken + cost <= this.#limit ? 0 : UNKNOWN;
  }
}
