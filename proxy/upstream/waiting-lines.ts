// The attempts that wait for a connection of one pool: a line for each set of terms, so that an attempt that may open no further connection
// does not hold up another one that may. A free connection serves all lines: the most important attempt first, then the one that waits
// longest.
import type { Attempt } from '../exchange/attempt.ts';
import { termsOf } from '../exchange/connection-terms.ts';
import type { ConnectionPlan, ConnectionTerms } from '../exchange/connection-terms.ts';
import { priorityOf } from '../exchange/priority.ts';
import type { PoolOptions } from './pool-options.ts';
import { WaitingLine } from './waiting-line.ts';

/** Whether the connection may carry the first attempt of the line. */
export type Fits<C> = (connection: C, line: WaitingLine) => boolean;

export class WaitingLines {
  readonly #options: PoolOptions;
  readonly #standard: WaitingLine;
  readonly #byPlan = new WeakMap<ConnectionPlan, WaitingLine>();
  /** The standard line and those with attempts, the one with the most connections first. */
  #lines: readonly WaitingLine[];

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#standard = new WaitingLine(options, termsOf(null, options.limits));
    this.#lines = [this.#standard];
  }

  /** The terms of the worker. */
  get standard(): ConnectionTerms {
    return this.#standard.terms;
  }

  /** All attempts that wait. */
  get length(): number {
    let length = 0;
    for (const line of this.#lines) length += line.length;
    return length;
  }

  /** Attempts with terms of their own wait. */
  get several(): boolean {
    return this.#lines.length > 1;
  }

  /** The terms of the attempts of a use; equal plans have equal terms. */
  termsOf(plan: ConnectionPlan | null): ConnectionTerms {
    return this.#lineOf(plan).terms;
  }

  push(attempt: Attempt): void {
    const line = this.#lineOf(attempt.cluster.connections);
    if (!this.#lines.includes(line)) {
      const others = this.#lines.filter((each) => each === this.#standard || each.length > 0);
      this.#lines = [...others, line].toSorted((a, b) => b.terms.maxConnections - a.terms.maxConnections);
    }
    line.push(attempt);
  }

  remove(attempt: Attempt): void {
    this.#lineOf(attempt.cluster.connections).remove(attempt);
  }

  /** Removes and returns the attempt whose turn it is. */
  shift(): Attempt | undefined {
    return this.#turn(null, anyFits)?.shift();
  }

  /** The same among those that the connection may carry. */
  shiftFor<C>(connection: C, fits: Fits<C>): Attempt | undefined {
    return this.#turn(connection, fits)?.shift();
  }

  /** The terms of an attempt that needs a connection beside those that are being opened; null if there is none. */
  needing(connecting: number, shared: boolean): ConnectionTerms | null {
    let needed = 0;
    for (const { length, terms } of this.#lines) {
      needed += shared ? Math.ceil(length / terms.maxStreams) : length;
      if (needed > connecting) return terms;
    }
    return null;
  }

  #lineOf(plan: ConnectionPlan | null): WaitingLine {
    if (plan === null) return this.#standard;
    let line = this.#byPlan.get(plan);
    if (line === undefined) this.#byPlan.set(plan, (line = new WaitingLine(this.#options, termsOf(plan, this.#options.limits))));
    return line;
  }

  #turn<C>(connection: C, fits: Fits<C>): WaitingLine | null {
    let next: WaitingLine | null = null;
    for (const line of this.#lines) {
      if (line.length > 0 && fits(connection, line) && (next === null || isBefore(line, next))) next = line;
    }
    return next;
  }
}

function anyFits(): boolean {
  return true;
}

function isBefore(line: WaitingLine, other: WaitingLine): boolean {
  const [first, second] = [line.first as Attempt, other.first as Attempt];
  const rank = priorityOf(first.exchange) - priorityOf(second.exchange);
  return rank === 0 ? first.waitingSince < second.waitingSince : rank < 0;
}
