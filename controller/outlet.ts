// An outlet gives the deltas of the pipeline to one sink. A failing sink harms no other sink and misses nothing: the outlet gives it the
// rejected part again, with growing pauses, in its newest form.
//
//     idle ──delta──> giving ──taken──> idle          (a rejected part waits aside; newer deltas go first)
//                        └────threw───> blocked ──pause──> giving, merged with all deltas that arrived meanwhile
import { Backoff } from '#lib/backoff.ts';
import type { BackoffOptions } from '#lib/backoff.ts';
import type { Faults } from '#lib/faults.ts';
import type { Handover } from './compile/result.ts';
import { isNothing, merge, NOTHING, without } from './handover.ts';

/** The part of a delta that a sink could not take. */
export type Leftover = Partial<Handover>;

/** A consumer of compiled deltas: pushes, statuses or fleets. */
export interface Sink {
  /**
   * Takes a delta. Returns the part it could not take, whose faults it has reported already. A sink that throws or rejects has taken
   * nothing, and gets the same delta again before any other. A sink may get the same content twice.
   */
  apply(delta: Handover): Leftover | void | Promise<Leftover | void>;
  /** If true, the pipeline does not start before this sink has taken the first batch. */
  readonly essential?: boolean;
}

export interface OutletOptions {
  readonly name: string;
  readonly sink: Sink;
  readonly faults: Faults;
  readonly times?: OutletTimes;
}

/** Milliseconds. */
export interface OutletTimes {
  readonly backoff: BackoffOptions;
  /** How long a sink must fail before `trouble` reports it. */
  readonly lasting: number;
}

export const OUTLET_TIMES: OutletTimes = { backoff: { minimum: 100, maximum: 10_000 }, lasting: 10_000 };

export class Outlet {
  readonly #options: OutletOptions;
  readonly #times: OutletTimes;
  readonly #backoff: Backoff;
  readonly #first = Promise.withResolvers<void>();
  #state: 'idle' | 'giving' | 'blocked' | 'stopped' = 'idle';
  /** Deltas that arrived while the sink was busy or blocked, merged. */
  #next: Handover = NOTHING;
  /** The rejected parts. Disjoint from `#next`. */
  #left: Handover = NOTHING;
  #timer: NodeJS.Timeout | null = null;
  #giving: Promise<void> = Promise.resolve();
  /** Since when the sink has failed, on the monotonic clock, and why; null if it works. */
  #failing: { readonly since: number; reason: string } | null = null;

  constructor(options: OutletOptions) {
    this.#options = options;
    this.#times = options.times ?? OUTLET_TIMES;
    this.#backoff = new Backoff(this.#times.backoff);
  }

  get isEssential(): boolean {
    return this.#options.sink.essential === true;
  }

  /** Resolves once the sink has taken the first delta, or `stop` was called. */
  get first(): Promise<void> {
    return this.#first.promise;
  }

  /** Why the sink fails, if it has failed for `lasting`; else null. */
  get trouble(): string | null {
    const { name } = this.#options;
    if (this.#failing === null || performance.now() - this.#failing.since < this.#times.lasting) return null;
    return `${name}: does not take changes because of a bug, Weir tries again: ${this.#failing.reason}`;
  }

  /** Gives the sink a delta, at once or later. Never throws. */
  give(delta: Handover): void {
    if (this.#state === 'stopped') return;
    this.#left = without(this.#left, delta);
    if (this.#state === 'idle') this.#try(delta);
    else this.#next = merge(this.#next, delta);
  }

  /** Gives no more deltas; resolves when the sink has finished the current one. */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    this.#first.resolve();
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#giving;
  }

  #try(delta: Handover): void {
    this.#state = 'giving';
    try {
      const taken = this.#options.sink.apply(delta);
      if (!(taken instanceof Promise)) return this.#took(taken);
      this.#giving = taken.then(
        (left) => this.#took(left),
        (error: unknown) => this.#threw(delta, error),
      );
    } catch (error) {
      this.#threw(delta, error);
    }
  }

  #took(left: Leftover | void): void {
    if (this.#state === 'stopped') return;
    this.#state = 'idle';
    this.#first.resolve();
    if (left !== undefined) this.#left = merge(without({ ...NOTHING, ...left }, this.#next), this.#left);
    if (!isNothing(this.#next)) return this.#try(this.#takeNext());
    if (isNothing(this.#left)) this.#recover();
    else this.#fail('a part of the changes failed; the log names it');
  }

  #threw(delta: Handover, error: unknown): void {
    this.#options.faults.report(this.#options.name, error, { resources: delta.changed.length, statuses: delta.statuses.length });
    if (this.#state === 'stopped') return;
    this.#state = 'blocked';
    this.#next = merge(delta, this.#next);
    this.#fail(error instanceof Error ? error.message : String(error));
  }

  #takeNext(): Handover {
    const delta = this.#next;
    this.#next = NOTHING;
    return delta;
  }

  #recover(): void {
    this.#failing = null;
    this.#backoff.reset();
  }

  #fail(reason: string): void {
    this.#failing = { since: this.#failing?.since ?? performance.now(), reason };
    this.#timer ??= setTimeout(() => this.#retry(), this.#backoff.next());
  }

  #retry(): void {
    this.#timer = null;
    // A busy sink finishes soon, and its rejected part is then scheduled again.
    if (this.#state === 'giving' || this.#state === 'stopped') return;
    const delta = merge(this.#left, this.#takeNext());
    this.#left = NOTHING;
    // An empty first batch counts too: the sink must know that nothing exists.
    if (this.#state === 'blocked' || !isNothing(delta)) this.#try(delta);
    else this.#recover();
  }
}
