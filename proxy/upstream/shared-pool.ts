// The HTTP/2 connections to one endpoint. Attempts share them: the first connection fills up first, and another opens when all are full.
import type { ExchangeError } from '../exchange/errors.ts';
import type { Attempt } from '../exchange/attempt.ts';
import type { ConnectionTerms } from '../exchange/connection-terms.ts';
import type { UpstreamPool } from '../exchange/plan.ts';
import { Timer } from '#lib/timer-wheel.ts';
import { turnTime } from '#lib/turn-clock.ts';
import type { CapacityUser } from './capacity.ts';
import { IdleSweep } from './idle-sweep.ts';
import type { PoolOptions } from './pool-options.ts';
import { SignsOfLife } from './vanished.ts';
import type { Audible } from './vanished.ts';
import type { WaitingLine } from './waiting-line.ts';
import { WaitingLines } from './waiting-lines.ts';

/** The pause after a failed connection while others carry attempts, milliseconds: a refusal arrives at once. */
const PAUSE_MS = 250;

/** A connection for many concurrent attempts. Implemented by the h2 codec. */
export interface SharedConnection extends Audible {
  /** performance.now() when it was requested, and when it last became idle. */
  readonly openedAt: number;
  idleSince: number;
  /** The terms of the attempt that it was opened for, then of the last one that it got. */
  terms: ConnectionTerms;
  /** The number of attempts that it has got. */
  readonly carried: number;
  /** Whether it gets no attempts until it is heard. */
  doubted: boolean;
  /** Attempts that it accepts now, if it may carry so many at the same time; none once it is retired, or while it is doubted. */
  room(maxStreams: number): number;
  readonly idle: boolean;
  /** Whether it can take this attempt now. */
  ready(attempt: Attempt): boolean;
  /** Sends the head of the request and sets attempt.stream. */
  send(attempt: Attempt): void;
  /** Accepts no more attempts and closes after the last. */
  retire(): void;
}

/** Gets the events of a connection. */
export interface SharedConnectionOwner {
  connected(connection: SharedConnection): void;
  /** A stream has ended, or the peer allows more streams. */
  roomier(connection: SharedConnection): void;
  /** It accepts no more attempts. */
  retired(connection: SharedConnection): void;
  /** The connection has closed. `error` is set if it was never established. */
  closed(connection: SharedConnection, error: ExchangeError | null): void;
  /** A connection waits for answers, and nothing comes. */
  silent(connection: SharedConnection): void;
}

/** Opens a connection. */
export type ConnectShared = (owner: SharedConnectionOwner, terms: ConnectionTerms) => SharedConnection;

export class SharedPool implements UpstreamPool, SharedConnectionOwner, CapacityUser {
  readonly #connect: ConnectShared;
  readonly #options: PoolOptions;
  /** Usable connections, oldest first. */
  readonly #usable: SharedConnection[] = [];
  readonly #waiting: WaitingLines;
  readonly #sweep: IdleSweep<SharedConnection>;
  readonly #signs: SignsOfLife<SharedConnection>;
  readonly #pause = new Timer(() => this.openAsNeeded());
  #open = 0;
  #connecting = 0;
  #closed = false;

  constructor(connect: ConnectShared, options: PoolOptions) {
    this.#connect = connect;
    this.#options = options;
    this.#waiting = new WaitingLines(options);
    this.#sweep = new IdleSweep(
      options.wheel,
      () => this.#usable.filter(({ idle }) => idle),
      (connection) => this.#retire(connection),
    );
    this.#signs = new SignsOfLife(options.limits.doubtTimeout);
  }

  /** Connections without attempts. */
  get counts(): { readonly open: number; readonly idle: number; readonly pending: number; readonly slow: number } {
    const idle = this.#usable.reduce((sum, connection) => sum + Number(connection.idle), 0);
    return { open: this.#open, idle, pending: this.#waiting.length, slow: 0 };
  }

  send(attempt: Attempt): void {
    const terms = this.#waiting.termsOf(attempt.cluster.connections);
    for (const connection of this.#usable) {
      if (mayCarry(connection, attempt, terms)) return this.#assign(connection, attempt, terms);
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
    this.#sweep.stop();
    this.#options.wheel.disarm(this.#pause);
    for (const connection of this.#usable.splice(0)) connection.retire();
  }

  /** Closes idle connections. False: there are none. */
  closeIdle(): boolean {
    const idle = this.#usable.filter((connection) => connection.idle);
    for (const connection of idle) connection.retire();
    return idle.length > 0;
  }

  connected(connection: SharedConnection): void {
    this.#connecting--;
    this.#options.endpoint.connected(performance.now() - connection.openedAt);
    this.#usable.push(connection);
    this.#trust();
    this.roomier(connection);
  }

  roomier(connection: SharedConnection): void {
    if (this.#waiting.length > 0) this.#serve(connection);
    if (!connection.idle) return;
    // Attempts still wait although it has no other: it has carried enough for them.
    const isSpent = this.#waiting.length > 0 ? connection.carried > 0 : this.#options.capacity.isShortBeside(this);
    if (this.#closed || isSpent) return connection.retire();
    this.#sweep.watch(connection);
  }

  /** Gives attempts that wait to a connection with room. */
  #serve(connection: SharedConnection): void {
    for (;;) {
      const attempt = this.#waiting.shiftFor(connection, mayCarryFirst);
      if (attempt === undefined) break;
      this.#assign(connection, attempt, this.#waiting.termsOf(attempt.cluster.connections));
    }
    // It may have been opened for another attempt, which needs one still.
    if (this.#waiting.several) this.openAsNeeded();
  }

  retired(connection: SharedConnection): void {
    this.#drop(connection);
    this.openAsNeeded();
  }

  closed(connection: SharedConnection, error: ExchangeError | null): void {
    this.#open--;
    this.#drop(connection);
    this.#signs.closed(connection);
    if (error !== null) this.#notConnected(connection, error);
    this.#options.capacity.giveConnection(null);
    this.openAsNeeded();
  }

  #drop(connection: SharedConnection): void {
    const index = this.#usable.indexOf(connection);
    if (index >= 0) this.#usable.splice(index, 1);
  }

  /** It gets no more attempts. */
  #retire(connection: SharedConnection): void {
    this.#drop(connection);
    connection.retire();
  }

  #notConnected(connection: SharedConnection, error: ExchangeError): void {
    this.#connecting--;
    this.#options.endpoint.connectFailed();
    const vanished = this.#signs.notConnected(error, connection.openedAt, performance.now());
    if (vanished) for (const each of [...this.#usable]) each.retire();
    if (vanished) this.#usable.length = 0;
    else this.#trust();
    this.#failWaiting(error);
  }

  /** A connection failed. */
  #failWaiting(error: ExchangeError): void {
    if (this.#usable.length > 0) return this.#options.wheel.arm(this.#pause, PAUSE_MS);
    // Attempts that wait for the next connection wait for the same endpoint. Attempts that return are not served again in this round.
    for (let left = this.#waiting.length; left > 0; left--) {
      const attempt = this.#waiting.shift();
      if (attempt !== undefined) this.#options.events.upstreamFailed(attempt, error);
    }
  }

  #assign(connection: SharedConnection, attempt: Attempt, terms: ConnectionTerms): void {
    connection.terms = terms;
    attempt.sentAt = turnTime();
    connection.send(attempt);
    if (connection.carried >= terms.maxRequests) this.#retire(connection);
    if (attempt.exchange.requestLength !== 0) this.#options.events.upstreamReady(attempt);
  }

  openAsNeeded(): void {
    const { capacity, emptied } = this.#options;
    const pauses = this.#pause.armed && this.#usable.length > 0;
    while (!pauses) {
      const terms = this.#waiting.needing(this.#connecting, true);
      if (terms === null || !capacity.takeConnection(this, terms.maxConnections)) break;
      this.#openOne(terms);
    }
    if (this.#open === 0 && this.#waiting.length === 0) emptied?.();
  }

  #openOne(terms: ConnectionTerms): void {
    this.#open++;
    this.#connecting++;
    this.#signs.opened(this.#connect(this, terms));
  }

  /**
   * Asks the endpoint for a connection unless it is asked already or has been heard of late. Attempts wait for the answer: if there is none,
   * all of them are safe to send elsewhere.
   */
  silent({ terms }: SharedConnection): void {
    const { capacity } = this.#options;
    if (this.#closed || this.#connecting > 0 || !this.#signs.isInDoubt(performance.now())) return;
    if (!capacity.hasRoom(terms.maxConnections) || !capacity.takeConnection(this, terms.maxConnections)) return;
    for (const connection of this.#usable) connection.doubted = true;
    this.#openOne(terms);
  }

  /** The endpoint has given a sign of life. */
  #trust(): void {
    for (const connection of [...this.#usable]) {
      if (!connection.doubted) continue;
      connection.doubted = false;
      this.roomier(connection);
    }
  }
}

function mayCarry(connection: SharedConnection, attempt: Attempt, { maxStreams, maxRequests }: ConnectionTerms): boolean {
  return connection.room(maxStreams) > 0 && connection.carried < maxRequests && connection.ready(attempt);
}

function mayCarryFirst(connection: SharedConnection, line: WaitingLine): boolean {
  return mayCarry(connection, line.first as Attempt, line.terms);
}
