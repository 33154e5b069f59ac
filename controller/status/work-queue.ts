// What is to be done per object, each at most once at a time: some at once in parallel, the rest in turn, failures after a while.
import { setImmediate } from 'node:timers/promises';
import type { Faults } from '#lib/faults.ts';

/** What became of a piece of work: when it is due again at the latest, milliseconds; null when only on request. */
export interface WorkOutcome {
  /** Nothing happens to the key for so long, whatever is requested. */
  readonly restMs: number;
  /** Do it again after the rest even if nobody requests it. */
  readonly again: boolean;
}

export interface WorkQueueOptions {
  readonly concurrency: number;
  /** False: nothing is begun. `resume` begins again. */
  readonly open: () => boolean;
  /** Does the work of a key. Where it rejects, which is a bug, the key rests for a while and is tried again. */
  readonly work: (key: string) => Promise<WorkOutcome>;
  readonly faults: Faults;
}

/** After a bug, milliseconds. */
const FAULTY: WorkOutcome = { restMs: 30_000, again: true };

export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #ready = new Set<string>();
  readonly #active = new Set<string>();
  readonly #resting = new Map<string, NodeJS.Timeout>();
  /** Requested while active or resting. */
  readonly #requested = new Set<string>();
  #stopped = false;
  #idle: (() => void)[] = [];

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** How many keys wait to be done. */
  get depth(): number {
    return this.#ready.size + this.#requested.size;
  }

  /** Asks for the work of a key. */
  request(key: string): void {
    if (this.#stopped) return;
    if (this.#active.has(key) || this.#resting.has(key)) this.#requested.add(key);
    else this.#ready.add(key);
    this.resume();
  }

  /** Asks for the work of a key, but not before this time has passed. */
  requestLater(key: string, ms: number): void {
    if (this.#stopped) return;
    if (this.#active.has(key) || this.#resting.has(key)) this.#requested.add(key);
    else if (!this.#ready.has(key)) this.#rest(key, { restMs: ms, again: true });
  }

  /** Begins what is ready. */
  resume(): void {
    for (const key of this.#ready) {
      if (this.#stopped || this.#active.size >= this.#options.concurrency || !this.#options.open()) return;
      this.#ready.delete(key);
      this.#active.add(key);
      void this.#run(key);
    }
  }

  /** Begins nothing more; resolves when what is under way is done. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#resting.values()) clearTimeout(timer);
    this.#resting.clear();
    if (this.#active.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async #run(key: string): Promise<void> {
    // Thousands of comparisons that need no answer from anybody must not hold up the pushes between them.
    await setImmediate();
    const outcome = await this.#options.work(key).catch((error: unknown) => {
      this.#options.faults.report('work', error, { key });
      return FAULTY;
    });
    this.#active.delete(key);
    if (this.#stopped) this.#finish();
    else {
      this.#rest(key, outcome);
      this.resume();
    }
  }

  #rest(key: string, { restMs, again }: WorkOutcome): void {
    if (again) this.#requested.add(key);
    if (restMs <= 0) return this.#wake(key);
    const timer = setTimeout(() => this.#wake(key), restMs);
    this.#resting.set(key, timer);
  }

  #wake(key: string): void {
    this.#resting.delete(key);
    if (this.#requested.delete(key)) this.request(key);
  }

  #finish(): void {
    if (this.#active.size > 0) return;
    for (const resolve of this.#idle) resolve();
    this.#idle = [];
  }
}
