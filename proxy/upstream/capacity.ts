// The limits of an endpoint: connections, and exchanges that wait for one. Pools of one endpoint share them. The limit of connections
// protects the backend. The numbers are those of the endpoint, whichever rule its requests come from; the limits are those of each request,
// so a pool that may open no further connection can wait beside one that may. Connections that wait for slow clients or pass on a long body do not keep the backend busy, so they are counted
// apart once other exchanges wait.
import { Timer } from '#lib/timer-wheel.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';
import type { Limits } from '../exchange/limits.ts';

/** A pool that requests connections. */
export interface CapacityUser {
  /** A connection may be available now; there was none before. */
  openAsNeeded(): void;
}

/** A connection that counts. */
export interface CapacityTaker {
  /** Counts the connection apart until it closes: it carries no other exchange. */
  aside: boolean;
  /** The lag of the client of its exchange, milliseconds; 0 if the exchange waits for the backend. */
  lag(): number;
  /** Whether its exchange is a tunnel, or has passed on a body for a long time. */
  readonly long: boolean;
  /** Ends an exchange whose client is behind, and closes. */
  displace(): void;
}

/** The limits of an endpoint. */
export type CapacityLimits = Pick<
  Limits,
  'maxConnectionsPerEndpoint' | 'maxPendingPerEndpoint' | 'maxSlowPerEndpoint' | 'slowClientTimeout'
>;

/** The interval of checks of connections while exchanges wait, milliseconds. */
const LOOK_MS = 50;

export class Capacity {
  readonly #limits: CapacityLimits;
  readonly #wheel: TimerWheel;
  readonly #exhausted: () => void;
  /** Pools without room, by their limit, and by waiting time. */
  readonly #starved = new Map<number, Set<CapacityUser>>();
  /** Connections for one exchange at a time, oldest first. */
  readonly #takers = new Set<CapacityTaker>();
  readonly #timer = new Timer(() => this.#look());
  #connections = 0;
  #aside = 0;
  #pending = 0;

  /** `exhausted` is called for each connection that exceeds the limit. */
  constructor(limits: CapacityLimits, wheel: TimerWheel, exhausted: () => void = () => undefined) {
    this.#limits = limits;
    this.#wheel = wheel;
    this.#exhausted = exhausted;
  }

  /** A pool waits for a connection to close, other than this one, which needs none. */
  isShortBeside(pool: CapacityUser): boolean {
    if (this.#starved.size === 0) return false;
    for (const limit of this.#starved.keys()) this.#leave(pool, limit);
    return this.#starved.size > 0;
  }

  /** Whether a connection is available within a limit. */
  hasRoom(limit: number = this.#limits.maxConnectionsPerEndpoint): boolean {
    return this.#connections < limit;
  }

  /** Connections that count apart. */
  get aside(): number {
    return this.#aside;
  }

  /** Reserves a connection. False: none is available, and the pool is called when one may be. */
  takeConnection(pool: CapacityUser, limit: number = this.#limits.maxConnectionsPerEndpoint): boolean {
    if (this.#connections < limit) {
      this.#connections++;
      return true;
    }
    const starved = this.#starved.get(limit);
    if (starved === undefined) this.#starved.set(limit, new Set([pool]));
    else starved.add(pool);
    this.#exhausted();
    if (!this.#timer.armed) this.#wheel.arm(this.#timer, LOOK_MS);
    return false;
  }

  /** The reserved connection carries one exchange at a time. */
  opened(taker: CapacityTaker): void {
    this.#takers.add(taker);
  }

  /** A connection has closed; `taker` if it carried one exchange at a time. */
  giveConnection(taker: CapacityTaker | null): void {
    if (taker !== null) this.#takers.delete(taker);
    if (taker?.aside === true) this.#aside--;
    else this.#connections--;
    this.#feed();
  }

  /** A pool that needs nothing any more leaves the room to the next. */
  #feed(): void {
    for (const [limit, pools] of this.#starved) {
      for (const pool of pools) {
        if (this.#connections >= limit) break;
        this.#leave(pool, limit);
        pool.openAsNeeded();
      }
    }
  }

  #leave(pool: CapacityUser, limit: number): void {
    const pools = this.#starved.get(limit);
    if (pools?.delete(pool) === true && pools.size === 0) this.#starved.delete(limit);
  }

  /** While exchanges wait: counts connections apart that do not keep the backend busy, and ends the exchanges with the largest lag. */
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

  /** Counts connections apart up to the limit, and returns the others. */
  #putAside(takers: readonly CapacityTaker[]): readonly CapacityTaker[] {
    const room = Math.max(0, this.#limits.maxSlowPerEndpoint - this.#aside);
    const chosen = takers.slice(0, room);
    for (const taker of chosen) taker.aside = true;
    this.#aside += chosen.length;
    this.#connections -= chosen.length;
    return takers.slice(room);
  }

  /** Ends this many exchanges: those whose clients have the largest lag. */
  #displace(count: number): void {
    const behind = [...this.#takers].filter((taker) => this.#isBehind(taker)).map((taker) => ({ taker, lag: taker.lag() }));
    behind.sort((a, b) => b.lag - a.lag);
    for (const { taker } of behind.slice(0, count)) taker.displace();
  }

  /** Reserves a waiting place for an exchange. False: all are taken. */
  takePending(limit: number = this.#limits.maxPendingPerEndpoint): boolean {
    if (this.#pending >= limit) return false;
    this.#pending++;
    return true;
  }

  givePending(): void {
    this.#pending--;
  }
}
