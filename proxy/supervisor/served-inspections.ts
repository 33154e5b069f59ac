// The inspections that a worker process runs for its supervisor.
import type { Inspected, Inspecting } from '../inspection/inspection.ts';
import type { FromWorker } from './messages.ts';

interface Served {
  readonly ending: AbortController;
  /** The supervisor has taken the last part. */
  taken: () => void;
}

export class ServedInspections {
  readonly #answer: (message: FromWorker) => void;
  readonly #running = new Map<number, Served>();

  constructor(answer: (message: FromWorker) => void) {
    this.#answer = answer;
  }

  /** Runs one, and answers at its end. */
  async run(id: number, inspect: (inspecting: Inspecting) => Promise<Inspected>): Promise<void> {
    const served: Served = { ending: new AbortController(), taken: () => undefined };
    this.#running.set(id, served);
    const part = (data: Buffer): Promise<void> => {
      const { promise, resolve } = Promise.withResolvers<void>();
      served.taken = resolve;
      this.#answer({ type: 'part', id, data });
      return promise;
    };
    try {
      this.#answer({ type: 'inspected', id, inspected: await inspect({ part, signal: served.ending.signal }) });
    } catch (error) {
      this.#answer({ type: 'inspectionFailed', id, reason: error instanceof Error ? error.message : String(error) });
    } finally {
      this.#running.delete(id);
    }
  }

  /** The supervisor wants the next part. */
  taken(id: number): void {
    this.#running.get(id)?.taken();
  }

  /** The inspection is to end. */
  end(id: number): void {
    this.#running.get(id)?.ending.abort();
  }
}
