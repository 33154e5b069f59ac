// Answers of the endpoint that are used again, by digest of the token, so that no token stays in memory. Invalid tokens have a memory of
// their own: a flood of them forgets no valid one.
import { hash } from 'node:crypto';
import { ExpiringMemory } from '#lib/expiring-memory.ts';
import type { Introspected } from './endpoint.ts';

export interface AnswersOptions {
  /** Milliseconds. */
  readonly ttl: number;
  readonly inactiveTtl: number;
  /** Of each memory. */
  readonly entries: number;
  /** Milliseconds since the epoch; for tests. */
  readonly now?: () => number;
  /** A clock that never goes back, milliseconds; for tests. */
  readonly clock?: () => number;
}

/** Of claims. */
const MAX_BYTES = 16_777_216;
/** A flood of new tokens asks the endpoint no more than this at once. */
const MAX_UNDER_WAY = 256;
const TOO_MANY: Introspected = Object.freeze({ type: 'unavailable', reason: 'too many tokens are asked about at once' });

export class Answers {
  readonly #options: AnswersOptions;
  readonly #now: () => number;
  readonly #clock: () => number;
  readonly #active: ExpiringMemory<Introspected>;
  readonly #inactive: ExpiringMemory<Introspected>;
  readonly #underWay = new Map<string, Promise<Introspected>>();

  constructor(options: AnswersOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#clock = options.clock ?? (() => performance.now());
    const bounds = { entries: options.entries, bytes: MAX_BYTES };
    this.#active = new ExpiringMemory(bounds);
    this.#inactive = new ExpiringMemory(bounds);
  }

  /** The answer from the memory, from another request with the same token, or from the endpoint. */
  of(token: string, ask: () => Promise<Introspected>): Introspected | Promise<Introspected> {
    const key = hash('sha256', token, 'base64');
    const now = this.#clock();
    const known = this.#active.find(key, now) ?? this.#inactive.find(key, now) ?? this.#underWay.get(key);
    if (known !== undefined) return known;
    if (this.#underWay.size >= MAX_UNDER_WAY) return TOO_MANY;
    const asked = this.#ask(key, ask);
    this.#underWay.set(key, asked);
    return asked;
  }

  async #ask(key: string, ask: () => Promise<Introspected>): Promise<Introspected> {
    try {
      const answer = await ask();
      if (answer.type !== 'unavailable') this.#remember(key, answer);
      return answer;
    } finally {
      this.#underWay.delete(key);
    }
  }

  #remember(key: string, answer: Introspected): void {
    const memory = answer.type === 'active' ? this.#active : this.#inactive;
    const bytes = answer.type === 'active' ? answer.bytes : 0;
    const now = this.#clock();
    memory.enter(key, answer, now, now + this.#lifetime(answer), bytes);
  }

  /** Milliseconds: not longer than the token is valid. */
  #lifetime(answer: Introspected): number {
    if (answer.type !== 'active') return this.#options.inactiveTtl;
    const { exp } = answer.claims;
    return typeof exp === 'number' ? Math.min(this.#options.ttl, exp * 1_000 - this.#now()) : this.#options.ttl;
  }
}
