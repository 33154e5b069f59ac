// The way out of the pipeline into one sink. A sink that fails costs itself only, and misses nothing: what it did not take it is given
// again, later each time, in its newest form.
//
//     idle ──delta──> giving ──taken──> idle          (what was left over waits beside, and newer deltas go before it)
//                        └────threw───> blocked ──later──> giving, with all that has come meanwhile
import { Backoff } from '#lib/backoff.ts';
import type { BackoffOptions } from '#lib/backoff.ts';
import type { Faults } from '#lib/faults.ts';
import type { Handover } from './compile/result.ts';
import { isNothing, merge, NOTHING, without } from './handover.ts';

/** What a sink could not take of a delta. */
export type Leftover = Partial<Handover>;

/** Where what a batch compiled to goes: to proxies, to statuses, to what runs the proxies. */
export interface Sink {
  /**
   * Takes a delta, or all of it but what it answers, for which it has reported the faults. One that throws or rejects has taken
   * nothing, and is given nothing else before that. It may be given the same twice.
   */
  apply(delta: Handover): Leftover | void | Promise<Leftover | void>;
  /** Nothing goes on before it has taken the first batch. */
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
  /** For how long a sink must have failed before that is told. */
  readonly lasting: number;
}

export const OUTLET_TIMES: OutletTimes = { backoff: { minimum: 100, maximum: 10_000 }, lasting: 10_000 };

export class Outlet {
  readonly #options: OutletOptions;
  readonly #times: OutletTimes;
  readonly #backoff: Backoff;
  readonly #first = Promise.withResolvers<void>();
  #state: 'idle' | 'giving' | 'blocked' | 'stopped' = 'idle';
  /** What has come while the sink was busy or blocked. */
  #next: Handover = NOTHING;
  /** What it could not take of what it was given. Nothing of it is in `#next`. */
  #left: Handover = NOTHING;
  #timer: NodeJS.Timeout | null = null;
  #giving: Promise<void> = Promise.resolve();
  /** Since when something has been left over, on the monotonic clock, and why; null when nothing is. */
  #failing: { readonly since: number; reason: string } | null = null;

  constructor(options: OutletOptions) {
    this.#options = options;
    this.#times = options.times ?? OUTLET_TIMES;
    this.#backoff = new Backoff(this.#times.backoff);
  }

  get isEssential(): boolean {
    return this.#options.sink.essential === true;
  }

  /** Resolves once the sink has taken the first delta, or the outlet is stopped. */
  get first(): Promise<void> {
    return this.#first.promise;
  }

  /** What is wrong with the sink, once it has lasted; null for nothing. */
  get trouble(): string | null {
    const { name } = this.#options;
    if (this.#failing === null || performance.now() - this.#failing.since < this.#times.lasting) return null;
    return `${name}: a bug keeps it from what has changed, which is tried again and again: ${this.#failing.reason}`;
  }

  /** Takes a delta on its way. Never throws. */
  give(delta: Handover): void {
    if (this.#state === 'stopped') return;
    this.#left = without(this.#left, delta);
    if (this.#state === 'idle') this.#try(delta);
    else this.#next = merge(this.#next, delta);
  }

  /** Gives nothing any more; resolves when the sink has come to an end with what it was given. */
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
    else this.#fail('some of it could not be taken; the log tells of what');
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
    // A sink that is busy is done before long, and what is left over then waits anew.
    if (this.#state === 'giving' || this.#state === 'stopped') return;
    const delta = merge(this.#left, this.#takeNext());
    this.#left = NOTHING;
    // The first batch counts though there may be nothing in it: that there is nothing is to be known.
    if (this.#state === 'blocked' || !isNothing(delta)) this.#try(delta);
    else this.#recover();
  }
}
