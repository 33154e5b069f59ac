// A connection to a file of SQLite in a thread of its own (`sqlite-thread.ts`).
import { Worker } from 'node:worker_threads';
import type { SqliteReply, SqliteRequest, SqliteThreadData } from './sqlite-thread.ts';
import { StoreError, type Row, type SqlValue } from './store.ts';

const THREAD = new URL('./sqlite-thread.ts', import.meta.url);

/** An error of SQLite: its message and its result code. */
export class SqliteError extends Error {
  /** https://www.sqlite.org/rescode.html; 0 for other errors. */
  readonly result: number;

  constructor(message: string, result: number) {
    super(message);
    this.result = result;
  }
}

type Waiting = PromiseWithResolvers<Extract<SqliteReply, { rows: unknown }>>;

export class SqliteConnection {
  readonly #thread: Worker;
  readonly #waiting = new Map<number, Waiting>();
  /** Resolves when the thread has ended. */
  readonly #exit: Promise<void>;
  #last = 0;
  #ended = '';

  constructor(file: string) {
    this.#thread = new Worker(THREAD, { workerData: { file } satisfies SqliteThreadData });
    // An idle store does not keep the program alive.
    this.#thread.unref();
    this.#thread.on('message', (reply: SqliteReply) => this.#take(reply));
    this.#thread.on('error', (error) => this.#fail(`the thread of the store ended: ${String(error)}`));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#exit = promise;
    this.#thread.on('exit', () => {
      this.#fail('the thread of the store ended');
      resolve();
    });
  }

  async rows(sql: string, values: readonly SqlValue[] = []): Promise<readonly Row[]> {
    return (await this.#ask({ kind: 'rows', sql, values })).rows;
  }

  /** The number of changed rows. */
  async run(sql: string, values: readonly SqlValue[] = []): Promise<number> {
    return (await this.#ask({ kind: 'run', sql, values })).changes;
  }

  /** Runs several statements. */
  async script(sql: string): Promise<void> {
    await this.#ask({ kind: 'script', sql, values: [] });
  }

  /** Rolls back, closes the file and ends the thread. */
  async close(): Promise<void> {
    this.#thread.ref();
    this.#thread.postMessage('close');
    await this.#exit;
  }

  #ask(statement: Omit<SqliteRequest, 'id'>): Promise<Extract<SqliteReply, { rows: unknown }>> {
    if (this.#ended !== '') return Promise.reject(new StoreError(this.#ended));
    const id = ++this.#last;
    const waiting: Waiting = Promise.withResolvers();
    this.#waiting.set(id, waiting);
    // While a statement runs, the program waits for it.
    this.#thread.ref();
    this.#thread.postMessage({ id, ...statement } satisfies SqliteRequest);
    return waiting.promise;
  }

  #take(reply: SqliteReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (this.#waiting.size === 0) this.#thread.unref();
    if ('rows' in reply) waiting?.resolve(reply);
    else waiting?.reject(new SqliteError(reply.message, reply.code === 'ERR_SQLITE_ERROR' ? reply.errcode : 0));
  }

  #fail(message: string): void {
    this.#ended ||= message;
    for (const { reject } of this.#waiting.values()) reject(new StoreError(message));
    this.#waiting.clear();
  }
}
