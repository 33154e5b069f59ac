// The states of the circuit breakers in all workers of a proxy: of each backend the worst.
// Workers follow each other when a breaker opens or closes, but each has trials of its own.
import { worstBreaker } from '#api/wire/breaker-state.ts';
import type { BackendEntry } from '#api/wire/telemetry-messages.ts';

export class BreakerStates {
  readonly #maximum: number;
  /** By backend, then by worker. Backends without a breaker are absent. */
  readonly #states = new Map<string, Map<string, string>>();

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** The backends that have a breaker. */
  get backends(): Iterable<string> {
    return this.#states.keys();
  }

  /** The state of the breaker of a backend; '' without one. */
  of(backend: string): string {
    return worstBreaker(new Set(this.#states.get(backend)?.values()));
  }

  /** Takes the states that a worker reports. Above the maximum, further backends have none. */
  set(worker: string, entries: readonly BackendEntry[]): void {
    for (const { backend, breaker } of entries) {
      if (breaker === '') this.#remove(backend, worker);
      else if (this.#states.has(backend) || this.#states.size < this.#maximum) this.#put(backend, worker, breaker);
    }
  }

  /** Forgets workers that are not among these. The result is the backends whose state they may have changed. */
  keepWorkers(workers: ReadonlySet<string>): readonly string[] {
    const changed: string[] = [];
    for (const [backend, states] of this.#states) {
      const gone = [...states.keys()].filter((worker) => !workers.has(worker));
      for (const worker of gone) this.#remove(backend, worker);
      if (gone.length > 0) changed.push(backend);
    }
    return changed;
  }

  /** Forgets backends that exist no more. */
  keep(exists: (backend: string) => boolean): void {
    for (const backend of this.#states.keys()) if (!exists(backend)) this.#states.delete(backend);
  }

  #put(backend: string, worker: string, breaker: string): void {
    const states = this.#states.get(backend) ?? new Map<string, string>();
    states.set(worker, breaker);
    this.#states.set(backend, states);
  }

  #remove(backend: string, worker: string): void {
    const states = this.#states.get(backend);
    states?.delete(worker);
    if (states?.size === 0) this.#states.delete(backend);
  }
}
