// The HTTP/1.1 connections to one endpoint. The most recently used idle one is taken first, so that the others can become idle for long and
// close.
import type { ExchangeError } from '../exchange/errors.ts';
import type { Attempt } from '../exchange/attempt.ts';
import type { ConnectionTerms } from '../exchange/connection-terms.ts';
import type { UpstreamPool } from '../exchange/plan.ts';
import type { UpstreamStream } from '../exchange/stream.ts';
import { turnTime } from '#lib/turn-clock.ts';
import type { CapacityTaker, CapacityUser } from './capacity.ts';
import { IdleSweep } from './idle-sweep.ts';
import type { PoolOptions } from './pool-options.ts';
import { SignsOfLife } from './vanished.ts';
import type { Audible } from './vanished.ts';
import type { WaitingLine } from './waiting-line.ts';
import { WaitingLines } from './waiting-lines.ts';

/** A connection for one attempt at a time. Implemented by the h1 codec. */
export interface PooledConnection extends UpstreamStream, CapacityTaker, Audible {
  /** performance.now() when it was requested, and when it last became idle. */
  readonly openedAt: number;
  idleSince: number;
  /** The terms of the attempt that it was opened for, then of the last one that it carried. */
  terms: ConnectionTerms;
  /** The number of attempts that it has carried. */
  readonly carried: number;
  /** Sends the head of the request; the request path gets its events. */
  send(attempt: Attempt): void;
  /** Closes an idle connection. */
  close(): void;
}

/** Gets the events of a connection. */
export interface ConnectionOwner {
  connected(connection: PooledConnection): void;
  /** The attempt is over, and the connection is free for another. */
  idle(connection: PooledConnection): void;
  /** The connection has closed. `error` is set if it was never established. */
  closed(connection: PooledConnection, error: ExchangeError | null): void;
  /** A connection waits for an answer, and nothing comes. */
  silent(connection: PooledConnection): void;
}

/** Opens a connection. */
export type Connect = (owner: ConnectionOwner, terms: ConnectionTerms) => PooledConnection;

export class ConnectionPool implements UpstreamPool, ConnectionOwner, CapacityUser {
  readonly #connect: Connect;
  readonly #options: PoolOptions;
  /** Least recently used first. */
  readonly #idle: PooledConnection[] = [];
  readonly #waiting: WaitingLines;
  readonly #sweep: IdleSweep<PooledConnection>;
  readonly #signs: SignsOfLife<PooledConnection>;
  #open = 0;
  #connecting = 0;
  #closed = false;

  constructor(connect: Connect, options: PoolOptions) {
    this.#connect = connect;
    this.#options = options;
    this.#sweep = new IdleSweep(
      options.wheel,
      () => [...this.#idle],
      (connection) => this.#expire(connection),
    );
    this.#waiting = new WaitingLines(options);
    this.#signs = new SignsOfLife(options.limits.doubtTimeout);
  }

  /** All connections. */
  get open(): number {
    return this.#open;
  }

  get idleCount(): number {
    return this.#idle.length;
  }

  /** For metrics. */
  get counts(): { readonly open: number; readonly idle: number; readonly pending: number; readonly slow: number } {
    return { open: this.#open, idle: this.#idle.length, pending: this.#waiting.length, slow: this.#options.capacity.aside };
  }

  send(attempt: Attempt): void {
    const connection = attempt.cluster.connections === null ? this.#idle.pop() : this.#idleFor(attempt);
    if (connection !== undefined) {
      this.#assign(connection, attempt);
      return;
    }
    this.#waiting.push(attempt);
    // Also after the waiting line was full: an empty pool reports itself.
    this.openAsNeeded();
  }

  /** The idle connection that was used last and may carry the attempt; those that may not have carried enough, and close. */
  #idleFor(attempt: Attempt): PooledConnection | undefined {
    const { maxRequests } = this.#waiting.termsOf(attempt.cluster.connections);
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.carried < maxRequests) return connection;
      connection.close();
    }
    return undefined;
  }

  forget(attempt: Attempt): void {
    this.#waiting.remove(attempt);
  }

  /** Closes idle connections now, and busy ones when they become idle. */
  close(): void {
    this.#closed = true;
    this.#sweep.stop();
    this.closeIdle();
  }

  /** Closes idle connections. False: there are none. */
  closeIdle(): boolean {
    const idle = this.#idle.splice(0);
    for (const connection of idle) connection.close();
    return idle.length > 0;
  }

  connected(connection: PooledConnection): void {
    this.#connecting--;
    this.#options.endpoint.connected(performance.now() - connection.openedAt);
    this.#take(connection);
  }

  idle(connection: PooledConnection): void {
    this.#take(connection);
  }

  closed(connection: PooledConnection, error: ExchangeError | null): void {
    this.#open--;
    this.#leaveIdle(connection);
    this.#signs.closed(connection);
    if (error !== null) {
      this.#connecting--;
      this.#options.endpoint.connectFailed();
      this.#signs.notConnected(error, connection.openedAt, performance.now());
      const attempt = this.#waiting.shift();
      if (attempt !== undefined) this.#options.events.upstreamFailed(attempt, error);
    }
    this.#options.capacity.giveConnection(connection);
    this.openAsNeeded();
  }

  #expire(connection: PooledConnection): void {
    this.#leaveIdle(connection);
    connection.close();
  }

  #leaveIdle(connection: PooledConnection): void {
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
  }

  /** Gives a free connection to the attempt whose turn it is, or keeps it idle. */
  #take(connection: PooledConnection): void {
    if (connection.aside || connection.carried >= connection.terms.maxRequests) return connection.close();
    const attempt = this.#waiting.shiftFor(connection, mayCarry);
    if (attempt === undefined) return this.#rest(connection);
    this.#assign(connection, attempt);
    // It may have been opened for another attempt, which needs one still.
    if (this.#waiting.several) this.openAsNeeded();
  }

  /** No attempt needs the free connection, or it has carried enough for those that do. */
  #rest(connection: PooledConnection): void {
    const { limits, capacity } = this.#options;
    if (this.#closed || this.#idle.length >= limits.maxIdlePerEndpoint || this.#waiting.length > 0 || capacity.isShortBeside(this)) {
      connection.close();
      return;
    }
    this.#sweep.watch(connection);
    this.#idle.push(connection);
  }

  #assign(connection: PooledConnection, attempt: Attempt): void {
    connection.terms = this.#waiting.termsOf(attempt.cluster.connections);
    attempt.stream = connection;
    attempt.sentAt = turnTime();
    connection.send(attempt);
    if (attempt.exchange.requestLength !== 0) this.#options.events.upstreamReady(attempt);
  }

  openAsNeeded(): void {
    for (;;) {
      const terms = this.#waiting.needing(this.#connecting, false);
      if (terms === null || !this.#options.capacity.takeConnection(this, terms.maxConnections)) break;
      this.#openOne(terms);
    }
    if (this.#open === 0 && this.#waiting.length === 0) this.#options.emptied?.();
  }

  #openOne(terms: ConnectionTerms): void {
    this.#open++;
    this.#connecting++;
    const connection = this.#connect(this, terms);
    this.#signs.opened(connection);
    this.#options.capacity.opened(connection);
  }

  /** Asks the endpoint for a connection unless it is asked already or has been heard of late. Idle connections are as silent. */
  silent({ terms }: PooledConnection): void {
    if (this.#closed || this.#connecting > 0 || !this.#signs.isInDoubt(performance.now())) return;
    this.closeIdle();
    const { capacity } = this.#options;
    if (capacity.hasRoom(terms.maxConnections) && capacity.takeConnection(this, terms.maxConnections)) this.#openOne(terms);
  }
}

function mayCarry({ carried }: PooledConnection, { terms }: WaitingLine): boolean {
  return carried < terms.maxRequests;
}
