// What there is room for at an endpoint: connections, and exchanges that wait for one. Pools that share one share its limits.
// The limit of connections protects the backend; those whose time is not the backend's, since they wait for slow clients or have a
// long body to pass on, are counted apart once others wait.
import { Timer } from '#lib/timer-wheel.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';
import type { Limits } from '../exchange/limits.ts';

/** A pool that wants connections. */
export interface CapacityUser {
  /** There may be room for a connection that there was none for. */
  openAsNeeded(): void;
}

/** A connection that takes a place. */
export interface CapacityTaker {
  /** Counts apart, until it is closed: it carries no other exchange. */
  aside: boolean;
  /** How far the client of its exchange is behind, milliseconds; 0 where the exchange waits for the backend. */
  lag(): number;
  /** Whether its exchange is a tunnel, or has been passing a body on for long. */
  readonly long: boolean;
  /** Gives up an exchange whose client is behind, and closes. */
  displace(): void;
}

/** What an endpoint is held to. */
export type CapacityLimits = Pick<
  Limits,
  'maxConnectionsPerEndpoint' | 'maxPendingPerEndpoint' | 'maxSlowPerEndpoint' | 'slowClientTimeout'
>;

/** How often connections are looked at while exchanges wait for one, milliseconds. */
const LOOK_MS = 50;

export class Capacity {
  readonly #limits: CapacityLimits;
  readonly #wheel: TimerWheel;
  readonly #exhausted: () => void;
  /** Pools that found no room, longest first. */
  readonly #starved = new Set<CapacityUser>();
  /** Connections that carry one exchange at a time, oldest first. */
  readonly #takers = new Set<CapacityTaker>();
  readonly #timer = new Timer(() => this.#look());
  #connections = 0;
  #aside = 0;
  #pending = 0;

  /** `exhausted`: told of each connection that there was no room for. */
  constructor(limits: CapacityLimits, wheel: TimerWheel, exhausted: () => void = () => undefined) {
    this.#limits = limits;
    this.#wheel = wheel;
    this.#exhausted = exhausted;
  }

  /** Some pool waits for a connection to close. */
  get isShort(): boolean {
    return this.#starved.size > 0;
  }

  /** Connections that count apart. */
  get aside(): number {
    return this.#aside;
  }

  /** Takes the place of a connection. False: there is none, and the pool is told once there may be. */
  takeConnection(pool: CapacityUser): boolean {
    if (this.#connections < this.#limits.maxConnectionsPerEndpoint) {
      this.#connections++;
      return true;
    }
    this.#starved.add(pool);
    this.#exhausted();
    if (!this.#timer.armed) this.#wheel.arm(this.#timer, LOOK_MS);
    return false;
  }

  /** The connection that a place was taken for carries one exchange at a time. */
  opened(taker: CapacityTaker): void {
    this.#takers.add(taker);
  }

  /** A connection is gone; `taker` if it was one that carries one exchange at a time. */
  giveConnection(taker: CapacityTaker | null): void {
    if (taker !== null) this.#takers.delete(taker);
    if (taker?.aside === true) this.#aside--;
    else this.#connections--;
    this.#feed();
  }

  /** Whoever wants nothing any more leaves the room to the next. */
  #feed(): void {
    for (const pool of this.#starved) {
      if (this.#connections >= this.#limits.maxConnectionsPerEndpoint) return;
      this.#starved.delete(pool);
      pool.openAsNeeded();
    }
  }

  /** While exchanges wait: counts apart what does not keep the backend busy, and lets go of what is furthest behind. */
  #look(): void {
    if (this.#starved.size === 0 || this.#pending === 0) return;
    const found: CapacityTaker[] = [];
    for (const taker of this.#takers) if (!taker.aside && (taker.long || this.#isBehind(taker))) found.push(taker);
    const left = this.#putAside(found);
    if (left.length > 0) {
      this.#displace(Math.min(left.length, this.#pending));
      this.#putAside(left.filter((taker) => this.#takers.has(taker)));
    }
    this.#feed();
    if (this.#starved.size > 0 && !this.#timer.armed) this.#wheel.arm(this.#timer, LOOK_MS);
  }

  #isBehind(taker: CapacityTaker): boolean {
    const { slowClientTimeout } = this.#limits;
    return slowClientTimeout > 0 && taker.lag() >= slowClientTimeout;
  }

  /** Counts connections apart, as many as there is room for, and returns the others. */
  #putAside(takers: readonly CapacityTaker[]): readonly CapacityTaker[] {
    const room = Math.max(0, this.#limits.maxSlowPerEndpoint - this.#aside);
    const chosen = takers.slice(0, room);
    for (const taker of chosen) taker.aside = true;
    this.#aside += chosen.length;
    this.#connections -= chosen.length;
    return takers.slice(room);
  }

  /** Gives up as many exchanges: those whose clients are furthest behind. */
  #displace(count: number): void {
    const behind = [...this.#takers].filter((taker) => this.#isBehind(taker)).map((taker) => ({ taker, lag: taker.lag() }));
    behind.sort((a, b) => b.lag - a.lag);
    for (const { taker } of behind.slice(0, count)) taker.displace();
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
