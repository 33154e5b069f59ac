// Gathers changes that belong together: a batch goes out when it has been quiet for a moment, or when it has waited long enough.
// The first batch waits until every source has told all it has, so that nothing is compiled from half a world. One batch is under way
// at a time.
import { objectId, refOf } from '#api/k8s/object.ts';
import type { ObjectRef } from '#api/k8s/object.ts';
import type { Change } from '../watch/event.ts';

/** Timers of the batcher; a test brings its own. */
export interface Clock {
  now(): number;
  setTimeout(callback: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
}

/** When a batch goes out, milliseconds. */
export interface BatcherOptions {
  /** How long it must have been quiet. */
  readonly quiet: number;
  /** How long a change may wait at most. */
  readonly maximum: number;
  readonly clock?: Clock;
}

const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
};

/** Takes a batch over; null when it is done with it at once. Neither throws nor rejects. */
export type Deliver = (changes: readonly Change[]) => Promise<void> | null;

export class Batcher {
  readonly #deliver: Deliver;
  readonly #options: BatcherOptions;
  readonly #clock: Clock;
  /** The latest change per object, in the order in which objects were first touched. */
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

  /** Takes changes; those of one call stay in one batch. */
  add(changes: readonly Change[]): void {
    if (this.#stopped || changes.length === 0) return;
    if (this.#pending.size === 0) this.#firstAt = this.#clock.now();
    for (const change of changes) this.#pending.set(idOf(change), change);
    if (this.#open && !this.#delivering) this.#schedule();
  }

  /** Takes out what has gathered of one kind, out of turn: it belongs to the batch that is being delivered. */
  take(kind: string): readonly Change[] {
    const taken = [...this.#pending].filter(([, change]) => refOfChange(change).kind === kind);
    for (const [id] of taken) this.#pending.delete(id);
    return taken.map(([, change]) => change);
  }

  /** All sources are synced: what has gathered is the first batch, sent at once even when it is empty. Resolves when it is delivered. */
  async synced(): Promise<void> {
    if (this.#open || this.#stopped) return;
    this.#open = true;
    await this.#flush();
  }

  /** Delivers nothing any more. */
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
