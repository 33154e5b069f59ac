// The store in a file of SQLite. What a write has confirmed survives a crash of the machine (WAL with synchronous=FULL). Two programs may
// use the same file at a time.
import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { err, ok, type Result } from '#lib/result.ts';
import { migrate, type Schema } from './schema.ts';
import { SqliteConnection, SqliteError } from './sqlite-connection.ts';
import { StoreError, type Store, type Transaction, type Work } from './store.ts';
import { Turns } from './turns.ts';

/** How long a transaction waits for another program, and the pause between two attempts, milliseconds. */
const PATIENCE = 5_000;
const PAUSE = 20;

export interface SqliteOptions {
  readonly file: string;
  readonly schema: Schema;
  /** How long a transaction waits for another program, milliseconds. */
  readonly patience?: number;
}

/** The open file. `inode`: its identity. */
interface Open {
  readonly connection: SqliteConnection;
  readonly inode: number;
}

/** Remedies by the primary result code of SQLite (https://www.sqlite.org/rescode.html). Other codes are bugs. */
const FAULTS: ReadonlyMap<number, string> = new Map([
  [5, 'is locked by another program: stop that program, or choose another file'],
  [6, 'is locked by another program: stop that program, or choose another file'],
  [8, 'cannot be written: give the user of this process the right to write the file and its folder'],
  [10, 'cannot be read or written: check the disk'],
  [11, 'is damaged: stop the program, move the file away, and restore a backup if there is one'],
  [13, 'cannot grow: the disk is full; free some space'],
  [14, 'cannot be opened: give the user of this process the right to write the file and its folder'],
  [26, 'is not a database of SQLite: choose another file, or move this one away'],
]);
const LOCKED: ReadonlySet<number> = new Set([5, 6]);

export class SqliteStore implements Store {
  readonly name: string;
  readonly #file: string;
  readonly #options: SqliteOptions;
  /** All statements share one connection, so transactions take turns. */
  readonly #turns = new Turns();
  #open: Open | null = null;
  #closed = false;

  constructor(options: SqliteOptions) {
    this.name = options.file;
    // The working folder may be deleted later, and making a relative folder there never ends in Node.
    this.#file = path.resolve(options.file);
    this.#options = options;
  }

  /** With the changes that are not yet in the file itself; null before it exists. */
  get bytes(): number | null {
    const sizes = [this.#file, `${this.#file}-wal`].flatMap((each) => statSync(each, { throwIfNoEntry: false })?.size ?? []);
    return sizes.length === 0 ? null : sizes.reduce((sum, size) => sum + size, 0);
  }

  read<T>(work: Work<T>): Promise<Result<T>> {
    return this.#transact('BEGIN', work);
  }

  write<T>(work: Work<T>): Promise<Result<T>> {
    return this.#transact('BEGIN IMMEDIATE', work);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#turns.idle();
    await this.#drop();
  }

  #transact<T>(begin: string, work: Work<T>): Promise<Result<T>> {
    return this.#turns.take(async () => {
      if (this.#closed) return err(`${this.name} is closed, since the program stops`);
      try {
        return ok(await this.#attempt(begin, work));
      } catch (error) {
        // That also rolls back.
        await this.#drop();
        const told = this.#describe(error);
        if (told === null) throw error;
        return err(told);
      }
    });
  }

  async #attempt<T>(begin: string, work: Work<T>): Promise<T> {
    const { connection } = await this.#opened();
    await this.#patiently(() => connection.script(begin));
    const value = await work(transactionOf(connection));
    await this.#patiently(() => connection.script('COMMIT'));
    return value;
  }

  async #opened(): Promise<Open> {
    if (this.#open !== null && inodeOf(this.#file) === this.#open.inode) return this.#open;
    // The file was removed or replaced: changes of the open one would be lost.
    await this.#drop();
    createFile(this.#file, this.name);
    const connection = new SqliteConnection(this.#file);
    this.#open = { connection, inode: inodeOf(this.#file) };
    await this.#patiently(() => connection.script('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL'));
    const [check] = await connection.rows('PRAGMA quick_check(1)');
    if (check?.['quick_check'] !== 'ok') throw new StoreError(`${this.name} ${FAULTS.get(11)} (${String(check?.['quick_check'])})`);
    await this.#patiently(() => connection.script('BEGIN IMMEDIATE'));
    await migrate(transactionOf(connection), this.name, this.#options.schema);
    await connection.script('COMMIT');
    return this.#open;
  }

  /** Repeats a statement while another program holds a lock. A statement of SQLite that waits could not be ended. */
  async #patiently(statement: () => Promise<void>): Promise<void> {
    const deadline = performance.now() + (this.#options.patience ?? PATIENCE);
    for (;;) {
      try {
        await statement();
        return;
      } catch (error) {
        if (!LOCKED.has(codeOf(error)) || performance.now() > deadline) throw error;
        await delay(PAUSE);
      }
    }
  }

  /** The message for a failure that is no bug; null for a bug. */
  #describe(error: unknown): string | null {
    if (error instanceof StoreError) return error.message;
    const fault = FAULTS.get(codeOf(error));
    return fault === undefined ? null : `${this.name} ${fault} (SQLite: ${(error as Error).message})`;
  }

  async #drop(): Promise<void> {
    const open = this.#open;
    this.#open = null;
    await open?.connection.close();
  }
}

function transactionOf(connection: SqliteConnection): Transaction {
  return {
    rows: (sql, values) => connection.rows(sql, values),
    run: (sql, values) => connection.run(sql, values),
    now: () => Promise.resolve(Date.now()),
  };
}

/** Only the user of the process may read the file. SQLite gives the same rights to its files beside it. */
function createFile(file: string, name: string): void {
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    closeSync(openSync(file, 'a', 0o600));
  } catch (error) {
    throw new StoreError(`${name} ${FAULTS.get(14)}, or choose another file (${(error as Error).message})`);
  }
}

function inodeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.ino ?? 0;
}

/** The primary result code of SQLite; 0 for other errors. */
function codeOf(error: unknown): number {
  return error instanceof SqliteError ? error.result & 0xff : 0;
}
