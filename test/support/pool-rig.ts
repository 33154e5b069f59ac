// Fakes for tests of pools, without sockets: connections that a test controls, attempts, and scripted failures.
import { TimerWheel } from '#lib/timer-wheel.ts';
import { Attempt } from '../../proxy/exchange/attempt.ts';
import type { ConnectionPlan, ConnectionTerms } from '../../proxy/exchange/connection-terms.ts';
import { Exchange } from '../../proxy/exchange/exchange.ts';
import { DEFAULT_LIMITS } from '../../proxy/exchange/limits.ts';
import type { Limits } from '../../proxy/exchange/limits.ts';
import { UpstreamCounts } from '../../proxy/exchange/upstream-counts.ts';
import { Capacity } from '../../proxy/upstream/capacity.ts';
import type { ConnectionOwner, PooledConnection } from '../../proxy/upstream/pool.ts';
import type { PoolOptions } from '../../proxy/upstream/pool-options.ts';

/** A connection without socket; a test opens and closes it. */
export class FakeConnection {
  readonly #owner: ConnectionOwner;
  readonly sent: Attempt[] = [];
  aside = false;
  readonly openedAt = 0;
  idleSince = 0;
  heardAt = 0;
  long = false;
  /** The pool has asked it to close. */
  closing = false;

  terms: ConnectionTerms;

  constructor(owner: ConnectionOwner, terms: ConnectionTerms) {
    this.#owner = owner;
    this.terms = terms;
  }

  get carried(): number {
    return this.sent.length;
  }

  connected(): void {
    this.#owner.connected(this.#self);
  }

  /** The end of its exchange. */
  done(): void {
    this.#owner.idle(this.#self);
  }

  /** `error`: the connection attempt failed. */
  gone(error: Parameters<ConnectionOwner['closed']>[1] = null): void {
    this.#owner.closed(this.#self, error);
  }

  send(attempt: Attempt): void {
    this.sent.push(attempt);
  }

  close(): void {
    this.closing = true;
  }

  letMove(): void {}

  lag(): number {
    return 0;
  }

  get #self(): PooledConnection {
    return this as unknown as PooledConnection;
  }
}

let made = 0;

/** An attempt, by default without a body; each has a unique path. `connections`: the terms of its use. */
export function attemptOf(fields: Partial<Exchange> = {}, connections: ConnectionPlan | null = null): Attempt {
  const counts = new UpstreamCounts(0).acquire('app');
  const exchange = Object.assign(new Exchange({} as never, {} as never, 0), { path: `/${made++}` }, fields);
  return new Attempt(exchange, { counts, connections } as never, {} as never, {} as never);
}

export class PoolRig {
  readonly wheel = new TimerWheel();
  readonly connections: FakeConnection[] = [];
  /** Attempts that failed, with the code of the error. */
  readonly failed: [Attempt, string][] = [];
  /** The connection events that the endpoint received. */
  readonly told: string[] = [];
  /** How often the pool reported that it is empty. */
  emptied = 0;
  readonly limits: Limits;
  readonly capacity: Capacity;

  constructor(limits: Partial<Limits> = {}) {
    this.limits = { ...DEFAULT_LIMITS, ...limits };
    this.capacity = new Capacity(this.limits, this.wheel);
  }

  readonly connect = (owner: ConnectionOwner, terms: ConnectionTerms): PooledConnection => {
    const connection = new FakeConnection(owner, terms);
    this.connections.push(connection);
    return connection as unknown as PooledConnection;
  };

  get options(): PoolOptions {
    return {
      events: {
        upstreamReady: () => undefined,
        upstreamFailed: (attempt: Attempt, { code }: { readonly code: string }) => void this.failed.push([attempt, code]),
      } as never,
      limits: this.limits,
      wheel: this.wheel,
      capacity: this.capacity,
      endpoint: { connected: () => void this.told.push('connected'), connectFailed: () => void this.told.push('failed') },
      emptied: () => void this.emptied++,
    };
  }

  /** The connections that the pool has opened and that no test has ended, by number. */
  connection(index: number): FakeConnection {
    const connection = this.connections[index];
    if (connection === undefined) throw new Error(`the pool opened ${this.connections.length} connections`);
    return connection;
  }
}
