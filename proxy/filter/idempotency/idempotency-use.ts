// What stands between the two halves of idempotency keys: the request that has taken a key.
import type { IdempotencyStore } from '../../exchange/idempotency.ts';
import { Slot } from '../../exchange/slot.ts';
import { LOST } from './kept-answer.ts';

export class RunningRequest {
  readonly #store: IdempotencyStore;
  readonly #key: string;
  readonly #token: string;
  readonly #ttl: number;
  readonly maxAnswerSize: number;
  #isSettled = false;
  /** The backend has done the request. */
  isDone = false;

  /** `ttl`: milliseconds. */
  constructor(store: IdempotencyStore, names: { key: string; token: string }, terms: { ttl: number; maxAnswerSize: number }) {
    this.#store = store;
    [this.#key, this.#token] = [names.key, names.token];
    [this.#ttl, this.maxAnswerSize] = [terms.ttl, terms.maxAnswerSize];
  }

  /** Keeps the answer; `null`: only that there was one. */
  async finish(answer: Buffer | null): Promise<void> {
    this.#isSettled = true;
    await this.#store.finish(this.#key, this.#token, answer ?? LOST, this.#ttl);
  }

  /** The exchange is over: if its answer is not kept, the key is free, unless the backend has done the request. */
  ended(): void {
    if (this.#isSettled) return;
    if (this.isDone) return void this.finish(null);
    this.#isSettled = true;
    this.#store.release(this.#key, this.#token);
  }
}

export const RUNNING = new Slot<RunningRequest>();
