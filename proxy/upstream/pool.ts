// The HTTP/1.1 connections to one endpoint. The most recently used idle one is taken first, so that the others can become idle for long and
// close.
import type { ExchangeError } from '../exchange/errors.ts';
import type { Attempt } from '../exchange/attempt.ts';
import type { UpstreamPool } from '../exchange/plan.ts';
import type { UpstreamStream } from '../exchange/stream.ts';
import { Timer } from '#lib/timer-wheel.ts';
import { turnTime } from '#lib/turn-clock.ts';
import type { CapacityTaker, CapacityUser } from './capacity.ts';
import type { PoolOptions } from './pool-options.ts';
import { SignsOfLife } from './vanished.ts';
import type { Audible } from './vanished.ts';
import { WaitingLine } from './waiting-line.ts';

/** A connection for one attempt at a time. Implemented by the h1 codec. */
export interface PooledConnection extends UpstreamStream, CapacityTaker, Audible {
  /** performance.now() when it was requested, and when it last became idle. */
  readonly openedAt: number;
  idleSince: number;
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
  silent(): void;
}

/** Opens a connection. */
export type Connect = (owner: ConnectionOwner) => PooledConnection;

export class ConnectionPool implements UpstreamPool, ConnectionOwner, CapacityUser {
  readonly #connect: Connect;
  readonly #options: PoolOptions;
  /** Least recently used first. */
  readonly #idle: PooledConnection[] = [];
  readonly #waiting: WaitingLine;
  readonly #sweeper: Timer;
  readonly #signs: SignsOfLife<PooledConnection>;
  #open = 0;
  #connecting = 0;
  #closed = false;

  constructor(connect: Connect, options: PoolOptions) {
    this.#connect = connect;
    this.#options = options;
    this.#sweeper = new Timer(() => this.#sweep());
    this.#waiting = new WaitingLine(options);
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
    const connection = this.#idle.pop();
    if (connection !== undefined) {
      this.#assign(connection, attempt);
      return;
    }
    this.#waiting.push(attempt);
    // Also after the waiting line was full: an empty pool reports itself.
    this.openAsNeeded();
  }

  forget(attempt: Attempt): void {
    this.#waiting.remove(attempt);
  }

  /** Closes idle connections now, and busy ones when they become idle. */
  close(): void {
    this.#closed = true;
    this.#options.wheel.disarm(this.#sweeper);
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
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
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

  /** Gives a free connection to the attempt that waits longest, or keeps it idle. */
  #take(connection: PooledConnection): void {
    if (connection.aside) return connection.close();
    const attempt = this.#waiting.shift();
    if (attempt !== undefined) {
      this.#assign(connection, attempt);
      return;
    }
    const { limits, wheel, capacity } = this.#options;
    if (this.#closed || this.#idle.length >= limits.maxIdlePerEndpoint || capacity.isShort) {
      connection.close();
      return;
    }
    if (!this.#sweeper.armed) wheel.arm(this.#sweeper, limits.poolIdleTimeout);
    connection.idleSince = wheel.now;
    this.#idle.push(connection);
  }

  #assign(connection: PooledConnection, attempt: Attempt): void {
    attempt.stream = connection;
    attempt.sentAt = turnTime();
    connection.send(attempt);
    if (attempt.exchange.requestLength !== 0) this.#options.events.upstreamReady(attempt);
  }

  openAsNeeded(): void {
    while (this.#connecting < this.#waiting.length && this.#options.capacity.takeConnection(this)) this.#openOne();
    if (this.#open === 0 && this.#waiting.length === 0) this.#options.emptied?.();
  }

  #openOne(): void {
    this.#open++;
    this.#connecting++;
    const connection = this.#connect(this);
    this.#signs.opened(connection);
    this.#options.capacity.opened(connection);
  }

  /** Asks the endpoint for a connection unless it is asked already or has been heard of late. Idle connections are as silent. */
  silent(): void {
    if (this.#closed || this.#connecting > 0 || !this.#signs.isInDoubt(performance.now())) return;
    this.closeIdle();
    if (this.#options.capacity.hasRoom && this.#options.capacity.takeConnection(this)) this.#openOne();
  }

  /** Closes connections that were idle too long; the array is sorted by age. */
  #sweep(): void {
    const now = performance.now();
    const { limits, wheel } = this.#options;
    const limit = limits.poolIdleTimeout;
    let expired = 0;
    while (expired < this.#idle.length && now - (this.#idle[expired] as PooledConnection).idleSince >= limit) expired++;
    for (const connection of this.#idle.splice(0, expired)) connection.close();
    const oldest = this.#idle[0];
    if (oldest !== undefined) wheel.arm(this.#sweeper, limit - (now - oldest.idleSince));
  }
}
