// Starts the parts of a process row by row, in the order of the data flow, and stops them in the same order: an early part stops accepting
// work before a later part finishes its own.
import type { Log } from './log.ts';

/** A part of a process. All methods are optional. */
export interface Component {
  /** Starts the part. Resolves when later rows can use it. */
  start?(): unknown;
  /** Continues the work of another process that was in charge before. */
  resume?(): void;
  /** Stops the part. Resolves when no work is in progress. */
  stop?(): unknown;
}

/** Parts by name; null for a part that the configuration turns off. The parts of one row start and stop together. */
export type Row = Readonly<Record<string, Component | null>>;

export class Lifecycle {
  readonly #rows: readonly Row[];
  readonly #log: Log;
  #state: 'new' | 'running' | 'stopped' = 'new';

  constructor(rows: readonly Row[], log: Log) {
    this.#rows = rows;
    this.#log = log;
  }

  /** Whether all parts have started and `stop` was not called. */
  get isRunning(): boolean {
    return this.#state === 'running';
  }

  /** Starts the rows in order. Rejects if a part fails; resolves to false if `stop` was called before the end. */
  async start(): Promise<boolean> {
    for (const row of this.#rows) {
      if (this.#state === 'stopped') return false;
      await Promise.all(Object.values(row).map((component) => component?.start?.()));
    }
    if (this.#state === 'stopped') return false;
    this.#state = 'running';
    return true;
  }

  /** A failing part does not affect the others. */
  resume(): void {
    for (const [name, component] of this.#rows.flatMap((row) => Object.entries(row))) {
      try {
        component?.resume?.();
      } catch (error) {
        this.#log.error({ err: error, component: name }, 'a component could not resume');
      }
    }
  }

  /** Stops the rows in order. A failing part does not prevent the stop of others. */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    for (const row of this.#rows) await Promise.all(Object.entries(row).map(([name, component]) => this.#stopOne(name, component)));
  }

  async #stopOne(name: string, component: Component | null): Promise<void> {
    try {
      await component?.stop?.();
    } catch (error) {
      this.#log.error({ err: error, component: name }, 'a component could not stop');
    }
  }
}
