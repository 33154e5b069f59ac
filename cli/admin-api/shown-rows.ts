// Rows of tables of users, tokens and roles.
import { tableOf } from '../operations/table.ts';

/** Columns: a heading, and the cell of a row. */
export type Columns<T> = Readonly<Record<string, (row: T) => string | null>>;

/** A table of rows. An empty cell is `-`. */
export function tableFor<T>(columns: Columns<T>, rows: readonly T[], none: string): string {
  if (rows.length === 0) return none;
  const cells = Object.values(columns);
  return tableOf(
    Object.keys(columns),
    rows.map((row) => cells.map((cell) => cell(row) ?? '')),
  );
}

/** A list in a cell; null: all. */
export function listCell(list: readonly string[] | null): string {
  return list === null ? 'all' : list.join(', ');
}
