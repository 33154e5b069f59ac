// A thread with one database of SQLite: it waits for the disk, so that the event loop of the program does not. `sqlite-connection.ts` is
// its other side.
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import type { Row, SqlValue } from './store.ts';

/** A statement for the thread. */
export interface SqliteRequest {
  readonly id: number;
  readonly sql: string;
  readonly values: readonly SqlValue[];
  /** `script`: several statements without values. */
  readonly kind: 'rows' | 'run' | 'script';
}

/** The result of a statement: rows or a number of changes, or the error of SQLite. */
export type SqliteReply =
  | { readonly id: number; readonly rows: readonly Row[]; readonly changes: number }
  | { readonly id: number; readonly message: string; readonly code: string; readonly errcode: number };

/** What the thread starts with. The file is opened by the first statement, so that its error is that of the statement. */
export interface SqliteThreadData {
  readonly file: string;
}

let database: DatabaseSync | null = null;

function execute({ id, sql, values, kind }: SqliteRequest): SqliteReply {
  const open = (database ??= new DatabaseSync((workerData as SqliteThreadData).file, { timeout: 0 }));
  if (kind === 'rows') return { id, rows: open.prepare(sql).all(...values) as Row[], changes: 0 };
  if (kind === 'run') return { id, rows: [], changes: Number(open.prepare(sql).run(...values).changes) };
  open.exec(sql);
  return { id, rows: [], changes: 0 };
}

function answer(request: SqliteRequest): SqliteReply {
  try {
    return execute(request);
  } catch (error) {
    const { message, code = '', errcode = 0 } = error as Error & { readonly code?: string; readonly errcode?: number };
    return { id: request.id, message, code, errcode };
  }
}

parentPort?.on('message', (request: SqliteRequest | 'close') => {
  if (request !== 'close') return parentPort?.postMessage(answer(request));
  database?.close();
  parentPort?.close();
});
