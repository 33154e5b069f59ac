// The interface of the SQL store of a program. It keeps what is neither configuration nor found again after a restart. One file has each
// implementation: SQLite, for one program, and PostgreSQL, which replicas share.
import type { Result } from '#lib/result.ts';

/** A value in a statement or a row. */
export type SqlValue = string | number | null;
export type Row = Readonly<Record<string, SqlValue>>;

/** The statements of one transaction. In their text `?` stands for the next value. Both kinds of store must understand the text. */
export interface Transaction {
  /** The rows that a query returns. */
  rows(sql: string, values?: readonly SqlValue[]): Promise<readonly Row[]>;
  /** Runs another statement. Returns the number of rows that it changed. */
  run(sql: string, values?: readonly SqlValue[]): Promise<number>;
  /** The clock of the store, which replicas share: milliseconds since the epoch. */
  now(): Promise<number>;
}

/** Statements that run as a whole or not at all. An exception ends the transaction without changes. */
export type Work<T> = (transaction: Transaction) => Promise<T>;

/**
 * A store. It opens at the first use, and again after each failure. An error is complete for the user: it names the store and the remedy.
 * An exception is a bug.
 */
export interface Store {
  /** The file or the database, without passwords. */
  readonly name: string;
  /** The size of its file; null without one. */
  readonly bytes: number | null;
  /** Runs queries on one state of the data. */
  read<T>(work: Work<T>): Promise<Result<T>>;
  /** Changes data: one writer at a time, also among replicas. After the result the data is on disk. */
  write<T>(work: Work<T>): Promise<Result<T>>;
  /** Resolves once no transaction runs and everything is closed. */
  close(): Promise<void>;
}

/** A failure of the store itself, as an exception within its implementations. The message is complete for the user. */
export class StoreError extends Error {}
