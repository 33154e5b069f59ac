// The HTTP/1.1 connections to one endpoint: the most recently used is used first, so that the rest may go idle and close.
import type { ExchangeError } from '../exchange/errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Limits } from '../exchange/limits.ts';
import type { UpstreamPool } from '../exchange/plan.ts';
import type { UpstreamEvents, UpstreamStream } from '../exchange/stream.ts';
import { Timer } from '#lib/timer-wheel.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';
import type { PoolOptions } from './pool-options.ts';
import { WaitingLine } from './waiting-line.ts';

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

export class ConnectionPool implements UpstreamPool, ConnectionOwner {
  readonly #connect: Connect;
  readonly #events: UpstreamEvents;
  readonly #limits: Limits;
  readonly #wheel: TimerWheel;
  /** Least recently used first. */
  readonly #idle: PooledConnection[] = [];
  readonly #waiting: WaitingLine;
  readonly #sweeper: Timer;
  #open = 0;
  #connecting = 0;
  #closed = false;

  constructor(connect: Connect, options: PoolOptions) {
    this.#connect = connect;
    this.#events = options.events;
    this.#limits = options.limits;
    this.#wheel = options.wheel;
    this.#sweeper = new Timer(() => this.#sweep());
    this.#waiting = new WaitingLine(options);
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
    if (this.#waiting.push(exchange)) this.#openAsNeeded();
  }

  forget(exchange: Exchange): void {
    this.#waiting.remove(exchange);
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
      const exchange = this.#waiting.shift();
      if (exchange !== undefined) this.#events.upstreamFailed(exchange, error);
    }
    this.#openAsNeeded();
  }

  /** Gives a free connection to who waits longest, or keeps it. */
  #take(connection: PooledConnection): void {
    const exchange = this.#waiting.shift();
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
