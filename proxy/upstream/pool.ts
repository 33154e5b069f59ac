// The HTTP/1.1 connections to one endpoint: the most recently used is used first, so that the rest may go idle and close.
import { ERRORS } from '../exchange/errors.ts';
import type { ExchangeError } from '../exchange/errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Limits } from '../exchange/limits.ts';
import type { UpstreamPool } from '../exchange/plan.ts';
import type { UpstreamEvents, UpstreamStream } from '../exchange/stream.ts';
import { Timer } from '#lib/timer-wheel.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';

/** A connection that carries one exchange at a time. Implemented by the h1 codec. */
export interface PooledConnection extends UpstreamStream {
  /** performance.now() when it last became idle. */
  idleSince: number;
  /** Sends the head of the exchange; its events go to the request path. */
  send(exchange: Exchange): void;
  /** Closes an idle connection. */
  close(): void;
}

/** Who a connection reports its own life to. */
export interface ConnectionOwner {
  connected(connection: PooledConnection): void;
  /** The exchange is over and the connection can carry another. */
  idle(connection: PooledConnection): void;
  /** Gone. `error` is set when it never connected. */
  closed(connection: PooledConnection, error: ExchangeError | null): void;
}

/** Opens a connection. */
export type Connect = (owner: ConnectionOwner) => PooledConnection;

/** What pools of either kind need of their worker. */
export interface PoolOptions {
  readonly events: UpstreamEvents;
  readonly limits: Limits;
  readonly wheel: TimerWheel;
}

export class ConnectionPool implements UpstreamPool, ConnectionOwner {
  readonly #connect: Connect;
  readonly #events: UpstreamEvents;
  readonly #limits: Limits;
  readonly #wheel: TimerWheel;
  /** Least recently used first. */
  readonly #idle: PooledConnection[] = [];
  /** Exchanges that wait for a connection, oldest first. */
  readonly #waiting: Exchange[] = [];
  readonly #sweeper: Timer;
  /** Armed for the exchange that waits longest. */
  readonly #patience: Timer;
  #open = 0;
  #connecting = 0;
  #closed = false;

  constructor(connect: Connect, options: PoolOptions) {
    this.#connect = connect;
    this.#events = options.events;
    this.#limits = options.limits;
    this.#wheel = options.wheel;
    this.#sweeper = new Timer(() => this.#sweep());
    this.#patience = new Timer(() => this.#giveUpWaiting());
  }

  /** Connections, idle and in use. */
  get open(): number {
    return this.#open;
  }

  get idleCount(): number {
    return this.#idle.length;
  }

  /** For metrics. */
  get counts(): { readonly open: number; readonly idle: number; readonly pending: number } {
    return { open: this.#open, idle: this.#idle.length, pending: this.#waiting.length };
  }

  send(exchange: Exchange): void {
    const connection = this.#idle.pop();
    if (connection !== undefined) {
      this.#assign(connection, exchange);
      return;
    }
    if (this.#waiting.length >= this.#limits.maxPendingPerEndpoint) {
      this.#events.upstreamFailed(exchange, ERRORS.overloaded);
      return;
    }
    exchange.waitingSince = performance.now();
    this.#waiting.push(exchange);
    if (!this.#patience.armed) this.#wheel.arm(this.#patience, this.#limits.pendingTimeout);
    this.#openAsNeeded();
  }

  forget(exchange: Exchange): void {
    const index = this.#waiting.indexOf(exchange);
    if (index >= 0) this.#waiting.splice(index, 1);
    if (this.#waiting.length === 0) this.#wheel.disarm(this.#patience);
  }

  /** Closes what is idle now, and what is in use as it becomes idle. */
  close(): void {
    this.#closed = true;
    this.#wheel.disarm(this.#sweeper);
    for (const connection of this.#idle.splice(0)) connection.close();
  }

  connected(connection: PooledConnection): void {
    this.#connecting--;
    this.#take(connection);
  }

  idle(connection: PooledConnection): void {
    this.#take(connection);
  }

  closed(connection: PooledConnection, error: ExchangeError | null): void {
    this.#open--;
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
    if (error !== null) {
      this.#connecting--;
      const exchange = this.#nextWaiting();
      if (exchange !== undefined) this.#events.upstreamFailed(exchange, error);
    }
    this.#openAsNeeded();
  }

  /** Who waits longest, out of the queue. */
  #nextWaiting(): Exchange | undefined {
    const exchange = this.#waiting.shift();
    if (exchange !== undefined && this.#waiting.length === 0) this.#wheel.disarm(this.#patience);
    return exchange;
  }

  /** Fails those that have waited too long; the queue is ordered by age. */
  #giveUpWaiting(): void {
    const now = performance.now();
    const limit = this.#limits.pendingTimeout;
    let oldest = this.#waiting[0];
    while (oldest !== undefined && now - oldest.waitingSince >= limit) {
      this.#waiting.shift();
      this.#events.upstreamFailed(oldest, ERRORS.overloaded);
      oldest = this.#waiting[0];
    }
    if (oldest !== undefined) this.#wheel.arm(this.#patience, limit - (now - oldest.waitingSince));
  }

  /** Gives a free connection to who waits longest, or keeps it. */
  #take(connection: PooledConnection): void {
    const exchange = this.#nextWaiting();
    if (exchange !== undefined) {
      this.#assign(connection, exchange);
      return;
    }
    if (this.#closed || this.#idle.length >= this.#limits.maxIdlePerEndpoint) {
      connection.close();
      return;
    }
    if (!this.#sweeper.armed) this.#wheel.arm(this.#sweeper, this.#limits.poolIdleTimeout);
    connection.idleSince = this.#wheel.now;
    this.#idle.push(connection);
  }

  #assign(connection: PooledConnection, exchange: Exchange): void {
    exchange.upstream = connection;
    connection.send(exchange);
    if (exchange.requestLength !== 0) this.#events.upstreamReady(exchange);
  }

  #openAsNeeded(): void {
    while (this.#connecting < this.#waiting.length && this.#open < this.#limits.maxConnectionsPerEndpoint) {
      this.#open++;
      this.#connecting++;
      this.#connect(this);
    }
  }

  /** Closes what has been idle too long; the array is ordered by age. */
  #sweep(): void {
    const now = performance.now();
    const limit = this.#limits.poolIdleTimeout;
    let expired = 0;
    while (expired < this.#idle.length && now - (this.#idle[expired] as PooledConnection).idleSince >= limit) expired++;
    for (const connection of this.#idle.splice(0, expired)) connection.close();
    const oldest = this.#idle[0];
    if (oldest !== undefined) this.#wheel.arm(this.#sweeper, limit - (now - oldest.idleSince));
  }
}
