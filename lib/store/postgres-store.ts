// The store in PostgreSQL, which the replicas of a controller share. Each transaction takes a connection of a small pool; a lost one is
// replaced by the next transaction.
import pg from 'pg';
import { parseIntoClientConfig } from 'pg-connection-string';
import { err, ok, type Result } from '#lib/result.ts';
import { migrate, type Schema } from './schema.ts';
import { StoreError, type Row, type SqlValue, type Store, type Transaction, type Work } from './store.ts';

/** Milliseconds. The server ends transactions of a replica that was cut off, so that its lock does not stop the others. */
const CONNECT_TIMEOUT = 5_000;
const STATEMENT_TIMEOUT = 5_000;
const IDLE_TIMEOUT = 10_000;
/** A server that does not answer at all is given up a little later than one that could still report its own timeout. */
const ANSWER_TIMEOUT = STATEMENT_TIMEOUT + 1_000;
/** A replica needs one connection for reading and one for writing. */
const MAX_CONNECTIONS = 2;

/** The advisory lock of writers: a number that no other program should use. */
const WRITERS = 0x77656972;

/** Settings of each transaction. Poolers such as PgBouncer refuse them as parameters of connections. */
const TIMEOUTS = [
  `SET LOCAL statement_timeout = ${STATEMENT_TIMEOUT}`,
  `SET LOCAL lock_timeout = ${STATEMENT_TIMEOUT}`,
  `SET LOCAL idle_in_transaction_session_timeout = ${IDLE_TIMEOUT}`,
];
/** Both begin a transaction in one round trip. */
const READING = ['BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', ...TIMEOUTS].join('; ');
const WRITING = ['BEGIN', ...TIMEOUTS, `SELECT pg_advisory_xact_lock(${WRITERS})`].join('; ');

export interface PostgresOptions {
  /** Without a password. */
  readonly url: string;
  readonly password: () => Promise<string>;
  readonly schema: Schema;
}

export class PostgresStore implements Store {
  readonly name: string;
  readonly bytes = null;
  readonly #schema: Schema;
  readonly #pool: pg.Pool;
  #migrated = false;
  #closing: Promise<void> | null = null;

  constructor({ url, password, schema }: PostgresOptions) {
    this.name = nameOf(url);
    this.#schema = schema;
    this.#pool = new pg.Pool({
      ...parseIntoClientConfig(url),
      password,
      application_name: 'weir',
      max: MAX_CONNECTIONS,
      connectionTimeoutMillis: CONNECT_TIMEOUT,
      query_timeout: ANSWER_TIMEOUT,
      keepAlive: true,
      allowExitOnIdle: true,
      types: { getTypeParser },
    });
    // An idle connection was lost: the next transaction opens another one.
    this.#pool.on('error', () => undefined);
  }

  read<T>(work: Work<T>): Promise<Result<T>> {
    return this.#transact(READING, work);
  }

  write<T>(work: Work<T>): Promise<Result<T>> {
    return this.#transact(WRITING, work);
  }

  async close(): Promise<void> {
    this.#closing ??= this.#pool.end();
    await this.#closing;
  }

  async #transact<T>(begin: string, work: Work<T>): Promise<Result<T>> {
    if (this.#closing !== null) return err(`${this.name} is closed, since the program stops`);
    try {
      await this.#migrateOnce();
      return ok(await this.#attempt(begin, work));
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return err(error.message);
    }
  }

  async #migrateOnce(): Promise<void> {
    if (this.#migrated) return;
    await this.#attempt(WRITING, (transaction) => migrate(transaction, this.name, this.#schema));
    this.#migrated = true;
  }

  async #attempt<T>(begin: string, work: Work<T>): Promise<T> {
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw this.#away(error);
    });
    // The pool listens to idle connections only.
    const lost = (): void => undefined;
    client.on('error', lost);
    const transaction = new PostgresTransaction(client, (error) => this.#away(error));
    let isUsable = false;
    try {
      await transaction.run(begin);
      const value = await work(transaction);
      await client.query('COMMIT').catch((error: unknown) => {
        throw this.#uncertain(error);
      });
      isUsable = true;
      return value;
    } finally {
      client.off('error', lost);
      // A connection in the middle of a transaction is closed, and the server rolls back. A ROLLBACK would wait for a lost server again.
      client.release(!isUsable);
    }
  }

  #away(error: unknown): StoreError {
    if (isMissingTable(error)) this.#migrated = false;
    return new StoreError(`the database ${this.name} cannot be used: ${reasonOf(error)}`);
  }

  #uncertain(error: unknown): StoreError {
    return new StoreError(
      `the connection to the database ${this.name} was lost, so it is not known whether the change is stored; repeat it: ${reasonOf(error)}`,
    );
  }
}

class PostgresTransaction implements Transaction {
  readonly #client: pg.PoolClient;
  readonly #wrap: (error: unknown) => StoreError;

  constructor(client: pg.PoolClient, wrap: (error: unknown) => StoreError) {
    this.#client = client;
    this.#wrap = wrap;
  }

  async rows(sql: string, values: readonly SqlValue[] = []): Promise<readonly Row[]> {
    return (await this.#query(sql, values)).rows;
  }

  async run(sql: string, values: readonly SqlValue[] = []): Promise<number> {
    return (await this.#query(sql, values)).rowCount ?? 0;
  }

  async now(): Promise<number> {
    const [row] = await this.rows('SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS now');
    return Number(row?.['now']);
  }

  async #query(sql: string, values: readonly SqlValue[]): Promise<pg.QueryResult<Record<string, SqlValue>>> {
    let count = 0;
    const text = sql.replaceAll('?', () => `$${++count}`);
    try {
      return await this.#client.query<Record<string, SqlValue>>(text, [...values]);
    } catch (error) {
      throw this.#wrap(error);
    }
  }
}

/** `postgres://user@host:5432/database`, without passwords and options. */
function nameOf(url: string): string {
  const { username, host, pathname } = new URL(url);
  return `postgres://${username === '' ? '' : `${username}@`}${host}${pathname}`;
}

/** Numbers of 64 bits become numbers: revisions and milliseconds are below 2^53. */
function getTypeParser(oid: number): (text: string) => SqlValue {
  const numbers: readonly number[] = [pg.types.builtins.INT8, pg.types.builtins.INT4, pg.types.builtins.INT2];
  return numbers.includes(oid) ? Number : (text) => text;
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error && error.message !== '' ? error.message : String(error);
}

/** The tables were removed, so the next transaction creates them. */
function isMissingTable(error: unknown): boolean {
  return (error as { readonly code?: unknown }).code === '42P01';
}
