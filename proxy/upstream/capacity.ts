// What there is room for at an endpoint: connections, and exchanges that wait for one. Pools that share one share its limits.
import type { Limits } from '../exchange/limits.ts';

/** A pool that wants connections. */
export interface CapacityUser {
  /** There may be room for a connection that there was none for. */
  openAsNeeded(): void;
}

export class Capacity {
  readonly #limits: Pick<Limits, 'maxConnectionsPerEndpoint' | 'maxPendingPerEndpoint'>;
  readonly #exhausted: () => void;
  /** Pools that found no room, longest first. */
  readonly #starved = new Set<CapacityUser>();
  #connections = 0;
  #pending = 0;

  /** `exhausted`: told of each connection that there was no room for. */
  constructor(limits: Pick<Limits, 'maxConnectionsPerEndpoint' | 'maxPendingPerEndpoint'>, exhausted: () => void = () => undefined) {
    this.#limits = limits;
    this.#exhausted = exhausted;
  }

  /** Some pool waits for a connection to close. */
  get isShort(): boolean {
    return this.#starved.size > 0;
  }

  /** Takes the place of a connection. False: there is none, and the pool is told once there may be. */
  takeConnection(pool: CapacityUser): boolean {
    if (this.#connections < this.#limits.maxConnectionsPerEndpoint) {
      this.#connections++;
      return true;
    }
    this.#starved.add(pool);
    this.#exhausted();
    return false;
  }

  /** A connection is gone. */
  giveConnection(): void {
    this.#connections--;
    // Whoever wants nothing any more leaves the room to the next.
    for (const pool of this.#starved) {
      if (this.#connections >= this.#limits.maxConnectionsPerEndpoint) return;
      this.#starved.delete(pool);
      pool.openAsNeeded();
    }
  }

  /** Takes the place of an exchange that waits. False: there is none. */
  takePending(): boolean {
    if (this.#pending >= this.#limits.maxPendingPerEndpoint) return false;
    this.#pending++;
    return true;
  }

  givePending(): void {
    this.#pending--;
  }
}
