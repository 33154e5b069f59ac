// The memory of signatures that count once, for the filters of a worker: its own if it is the only worker, otherwise that of the supervisor,
// so that a signature counts once for all workers.
import { createHash } from 'node:crypto';
import { Replays, type ReplayVerdict } from '#lib/replays.ts';
import type { Exchange } from './exchange.ts';

/** Remembers what is accepted once. */
export interface ReplayMemory {
  /**
   * `scope` and `identity`: together a text that nothing else has. `window`: the longest time in which it can be valid, milliseconds. The same
   * exchange gets the same answer again.
   */
  enter(exchange: Exchange, scope: string, identity: string | Buffer, window: number): ReplayVerdict | Promise<ReplayVerdict>;
}

/** A question of a worker to the supervisor. */
export interface ReplayQuestion {
  readonly id: number;
  readonly digest: string;
  readonly window: number;
}

/** Enough that no two are equal. */
const DIGEST_BYTES = 16;

type Verdict = ReplayVerdict | Promise<ReplayVerdict>;

export class WorkerReplays implements ReplayMemory {
  readonly #ask: ((question: ReplayQuestion) => void) | null;
  readonly #own = new Replays();
  readonly #waiting = new Map<number, (verdict: ReplayVerdict) => void>();
  /** By exchange: two authenticators of a tree may ask about the same signature. */
  readonly #asked = new WeakMap<Exchange, Map<string, Verdict>>();
  #nextId = 0;

  /** `ask`: asks the supervisor, which answers by `answered`; absent: this worker is the only one. */
  constructor(ask?: (question: ReplayQuestion) => void) {
    this.#ask = ask ?? null;
  }

  enter(exchange: Exchange, scope: string, identity: string | Buffer, window: number): Verdict {
    const digest = createHash('sha256').update(`${scope}\n`).update(identity).digest('latin1').slice(0, DIGEST_BYTES);
    const asked = this.#asked.get(exchange) ?? new Map<string, Verdict>();
    let verdict = asked.get(digest);
    if (verdict === undefined) this.#asked.set(exchange, asked.set(digest, (verdict = this.#verdictOf(digest, window))));
    return verdict;
  }

  /** Takes an answer of the supervisor. */
  answered(id: number, verdict: ReplayVerdict): void {
    this.#waiting.get(id)?.(verdict);
    this.#waiting.delete(id);
  }

  #verdictOf(digest: string, window: number): Verdict {
    if (this.#ask === null) return this.#own.enter(digest, window);
    const { promise, resolve } = Promise.withResolvers<ReplayVerdict>();
    const id = this.#nextId++;
    this.#waiting.set(id, resolve);
    this.#ask({ id, digest, window });
    return promise;
  }
}
