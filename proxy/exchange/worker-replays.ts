// The memory of signatures that count once, for the filters of a worker: its own if it is the only worker, otherwise that of the supervisor,
// so that a signature counts once for all workers. With Redis it counts once for all proxies, also after a restart.
import { createHash } from 'node:crypto';
import { Replays, type ReplayVerdict } from '#lib/replays.ts';
import type { Exchange } from './exchange.ts';
import { NO_SHARED_ENTRIES, type SharedEntries } from './shared-entries.ts';

/** Where signatures are remembered: in the proxy, or in Redis. */
export type ReplayStore = 'Local' | 'Redis';

/** Remembers what is accepted once. */
export interface ReplayMemory {
  /**
   * `scope` and `identity`: together a text that nothing else has. `window`: the longest time in which it can be valid, milliseconds. The same
   * exchange gets the same answer again. `store`: Local by default.
   */
  enter(
    exchange: Exchange,
    scope: string,
    identity: string | Buffer,
    window: number,
    store?: ReplayStore,
  ): ReplayVerdict | Promise<ReplayVerdict>;
}

/** A question of a worker to the supervisor. */
export interface ReplayQuestion {
  readonly id: number;
  readonly digest: string;
  readonly window: number;
}

/** Enough that no two are equal. */
const DIGEST_BYTES = 16;
/** The beginning of the entries in Redis. */
const PREFIX = 'weir:replay:';

type Verdict = ReplayVerdict | Promise<ReplayVerdict>;

export class WorkerReplays implements ReplayMemory {
  readonly #ask: ((question: ReplayQuestion) => void) | null;
  readonly #shared: SharedEntries;
  readonly #own = new Replays();
  readonly #waiting = new Map<number, (verdict: ReplayVerdict) => void>();
  /** By exchange: two authenticators of a tree may ask about the same signature. */
  readonly #asked = new WeakMap<Exchange, Map<string, Verdict>>();
  #nextId = 0;

  /** `ask`: asks the supervisor, which answers by `answered`; absent: this worker is the only one. `shared`: Redis; none by default. */
  constructor(ask?: (question: ReplayQuestion) => void, shared: SharedEntries = NO_SHARED_ENTRIES) {
    this.#ask = ask ?? null;
    this.#shared = shared;
  }

  enter(exchange: Exchange, scope: string, identity: string | Buffer, window: number, store: ReplayStore = 'Local'): Verdict {
    const digest = createHash('sha256').update(`${scope}\n`).update(identity).digest('latin1').slice(0, DIGEST_BYTES);
    const asked = this.#asked.get(exchange) ?? new Map<string, Verdict>();
    const question = `${store} ${digest}`;
    let verdict = asked.get(question);
    if (verdict === undefined) {
      verdict = store === 'Redis' ? this.#askRedis(digest, window) : this.#verdictOf(digest, window);
      this.#asked.set(exchange, asked.set(question, verdict));
    }
    return verdict;
  }

  /** Takes an answer of the supervisor. */
  answered(id: number, verdict: ReplayVerdict): void {
    this.#waiting.get(id)?.(verdict);
    this.#waiting.delete(id);
  }

  /** The first proxy that writes the entry has seen the signature first. */
  async #askRedis(digest: string, window: number): Promise<ReplayVerdict> {
    const name = `${PREFIX}${Buffer.from(digest, 'latin1').toString('base64url')}`;
    const written = await this.#shared.write(name, '', Math.max(1, Math.ceil(window / 1_000)), 'absent');
    if (!written.ok) return 'away';
    return written.value ? 'new' : 'seen';
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
