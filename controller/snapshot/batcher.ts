// Collects changes into batches. A batch goes out after a quiet period, or after its maximum age. The first batch waits until every
// source is synced, so that the first compile sees all objects. At most one batch is being delivered at a time.
import { objectId, refOf } from '#api/k8s/object.ts';
import type { ObjectRef } from '#api/k8s/object.ts';
import type { Change } from '../watch/event.ts';

/** Timers of the batcher; tests replace them. */
export interface Clock {
  now(): number;
  setTimeout(callback: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
}

/** Times in milliseconds. */
export interface BatcherOptions {
  /** Length of the quiet period. */
  readonly quiet: number;
  /** Maximum age of a change. */
  readonly maximum: number;
  readonly clock?: Clock;
}

const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
};

/** Takes a batch; returns null if it is done at once. Neither throws nor rejects. */
export type Deliver = (changes: readonly Change[]) => Promise<void> | null;

export class Batcher {
  readonly #deliver: Deliver;
  readonly #options: BatcherOptions;
  readonly #clock: Clock;
  /** The latest change per object, in the order of the first change. */
  readonly #pending = new Map<string, Change>();
  #timer: unknown = null;
  #firstAt = 0;
  #open = false;
  #delivering = false;
  #stopped = false;

  constructor(options: BatcherOptions, deliver: Deliver) {
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    this.#deliver = deliver;
  }

  /** The changes that wait. */
  get size(): number {
    return this.#pending.size;
  }

  /** Adds changes. Those of one call stay in one batch. */
  add(changes: readonly Change[]): void {
    if (this.#stopped || changes.length === 0) return;
    if (this.#pending.size === 0) this.#firstAt = this.#clock.now();
    for (const change of changes) this.#pending.set(idOf(change), change);
    if (this.#open && !this.#delivering) this.#schedule();
  }

  /** Removes and returns the pending changes of some kinds, to be added to the batch that is being delivered. */
  take(kinds: ReadonlySet<string>): readonly Change[] {
    const taken = [...this.#pending].filter(([, change]) => kinds.has(refOfChange(change).kind));
    for (const [id] of taken) this.#pending.delete(id);
    return taken.map(([, change]) => change);
  }

  /** All sources are synced: delivers the first batch at once, even if it is empty. Resolves once it is delivered. */
  async synced(): Promise<void> {
    if (this.#open || this.#stopped) return;
    this.#open = true;
    await this.#flush();
  }

  /** Stops deliveries. */
  stop(): void {
    this.#stopped = true;
    this.#clock.clearTimeout(this.#timer);
  }

  #schedule(): void {
    this.#clock.clearTimeout(this.#timer);
    const waited = this.#clock.now() - this.#firstAt;
    const wait = Math.max(0, Math.min(this.#options.quiet, this.#options.maximum - waited));
    this.#timer = this.#clock.setTimeout(() => void this.#flush(), wait);
  }

  async #flush(): Promise<void> {
    const changes = [...this.#pending.values()];
    this.#pending.clear();
    this.#delivering = true;
    try {
      const delivery = this.#deliver(changes);
      if (delivery !== null) await delivery;
    } finally {
      this.#delivering = false;
    }
    if (this.#pending.size > 0 && !this.#stopped) this.#schedule();
  }
}

function refOfChange(change: Change): ObjectRef {
  return change.type === 'upsert' ? refOf(change.object) : change.ref;
}

function idOf(change: Change): string {
  return objectId(refOfChange(change));
}
