// Parts that run together: started row by row, in the order in which what they handle flows, and stopped in the same order, so that
// nothing new arrives while each ends what it has begun.
import type { Log } from './log.ts';

/** A part that runs. It has whichever of these it needs. */
export interface Component {
  /** Begins. Resolves once there is what the rows below need of it. */
  start?(): unknown;
  /** Takes up again what it had to leave undone, because another was in charge. */
  resume?(): void;
  /** Resolves when nothing of it is under way any more. */
  stop?(): unknown;
}

/** Parts by name; null for one that the settings leave out. What is in one row starts and stops together. */
export type Row = Readonly<Record<string, Component | null>>;

export class Lifecycle {
  readonly #rows: readonly Row[];
  readonly #log: Log;
  #state: 'new' | 'running' | 'stopped' = 'new';

  constructor(rows: readonly Row[], log: Log) {
    this.#rows = rows;
    this.#log = log;
  }

  /** Whether all parts have started and none was asked to stop. */
  get isRunning(): boolean {
    return this.#state === 'running';
  }

  /** Starts one row after the other. Rejects when a part does; false when it was stopped meanwhile. */
  async start(): Promise<boolean> {
    for (const row of this.#rows) {
      if (this.#state === 'stopped') return false;
      await Promise.all(Object.values(row).map((component) => component?.start?.()));
    }
    if (this.#state === 'stopped') return false;
    this.#state = 'running';
    return true;
  }

  /** A part that fails costs itself only. */
  resume(): void {
    for (const [name, component] of this.#rows.flatMap((row) => Object.entries(row))) {
      try {
        component?.resume?.();
      } catch (error) {
        this.#log.error({ err: error, component: name }, 'a component could not resume');
      }
    }
  }

  /** Stops one row after the other. A part that fails keeps no other from being stopped. */
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
