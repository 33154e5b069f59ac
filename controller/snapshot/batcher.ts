// Gathers changes that belong together: a batch goes out when it has been quiet for a moment, or when it has waited long enough.
// The first batch waits until every source has told all it has, so that nothing is compiled from half a world.
import { objectId, refOf } from '#api/k8s/object.ts';
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

export class Batcher {
  readonly #deliver: (changes: readonly Change[]) => void;
  readonly #options: BatcherOptions;
  readonly #clock: Clock;
  /** The latest change per object, in the order in which objects were first touched. */
  readonly #pending = new Map<string, Change>();
  #timer: unknown = null;
  #firstAt = 0;
  #open = false;
  #stopped = false;

  constructor(options: BatcherOptions, deliver: (changes: readonly Change[]) => void) {
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    this.#deliver = deliver;
  }

  /** Takes changes; those of one call stay in one batch. */
  add(changes: readonly Change[]): void {
    if (this.#stopped || changes.length === 0) return;
    if (this.#pending.size === 0) this.#firstAt = this.#clock.now();
    for (const change of changes) this.#pending.set(idOf(change), change);
    if (this.#open) this.#schedule();
  }

  /** All sources are synced: what has gathered is the first batch, delivered at once even when it is empty. */
  synced(): void {
    if (this.#open || this.#stopped) return;
    this.#open = true;
    this.#flush();
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
    this.#timer = this.#clock.setTimeout(() => this.#flush(), wait);
  }

  #flush(): void {
    const changes = [...this.#pending.values()];
    this.#pending.clear();
    this.#deliver(changes);
  }
}

function idOf(change: Change): string {
  return objectId(change.type === 'upsert' ? refOf(change.object) : change.ref);
}
