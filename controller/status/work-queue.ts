// A queue of keys: at most one task per key at a time, a bounded number in parallel, failed keys again after a rest.
import { setImmediate } from 'node:timers/promises';
import type { Faults } from '#lib/faults.ts';

/** The outcome of a task. */
export interface WorkOutcome {
  /** The key rests for this time, milliseconds; requests wait. */
  readonly restMs: number;
  /** Run the task again after the rest, even without a request. */
  readonly again: boolean;
}

export interface WorkQueueOptions {
  readonly concurrency: number;
  /** While false, no task starts. `resume` starts them later. */
  readonly open: () => boolean;
  /** Runs the task of a key. If it rejects, which is a bug, the key rests and the task runs again. */
  readonly work: (key: string) => Promise<WorkOutcome>;
  readonly faults: Faults;
}

/** The outcome after a bug, milliseconds. */
const FAULTY: WorkOutcome = { restMs: 30_000, again: true };

export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #ready = new Set<string>();
  readonly #active = new Set<string>();
  readonly #resting = new Map<string, NodeJS.Timeout>();
  /** Keys requested while active or resting. */
  readonly #requested = new Set<string>();
  #stopped = false;
  #idle: (() => void)[] = [];

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Number of waiting keys. */
  get depth(): number {
    return this.#ready.size + this.#requested.size;
  }

  /** Requests the task of a key. */
  request(key: string): void {
    if (this.#stopped) return;
    if (this.#active.has(key) || this.#resting.has(key)) this.#requested.add(key);
    else this.#ready.add(key);
    this.resume();
  }

  /** Requests the task of a key after this time at the earliest, milliseconds. */
  requestLater(key: string, ms: number): void {
    if (this.#stopped) return;
    if (this.#active.has(key) || this.#resting.has(key)) this.#requested.add(key);
    else if (!this.#ready.has(key)) this.#rest(key, { restMs: ms, again: true });
  }

  /** Starts all tasks that may run. */
  resume(): void {
    for (const key of this.#ready) {
      if (this.#stopped || this.#active.size >= this.#options.concurrency || !this.#options.open()) return;
      this.#ready.delete(key);
      this.#active.add(key);
      void this.#run(key);
    }
  }

  /** Starts no more tasks; resolves when the running ones are done. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#resting.values()) clearTimeout(timer);
    this.#resting.clear();
    if (this.#active.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async #run(key: string): Promise<void> {
    // Thousands of quick comparisons must not delay pushes: they let the event loop run in between.
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
