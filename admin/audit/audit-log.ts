// The reading side of the audit log: pages, single entries, exports and the check of the chain.
import { setImmediate as turn } from 'node:timers/promises';
import { ok, type Result } from '#lib/result.ts';
import { StoreError, type Store } from '#lib/store/store.ts';
import { ChainCheck, type Anchors, type ChainReport } from './chain.ts';
import { CSV_HEADER, csvRow } from './csv.ts';
import { GENESIS, jsonOf, type AuditEntry, type ChainPlace } from './entry.ts';
import { select, type AuditFilter } from './entry-search.ts';
import { entryAt, firstOf, headOf, objectsBetween, objectsOf } from './entry-table.ts';
import { entryLine, extractLine, headerLine } from './exported-log.ts';

/** Entries that are read at once for checks and exports. */
const PIECE = 100;

/** A page of a list, the newest entries first. `next`: the number before which the next page goes on; null: there is none. */
export interface AuditPage {
  readonly items: readonly AuditEntry[];
  readonly next: number | null;
}

export class AuditLog {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The newest entries that meet the filter, among those with numbers below `before`. */
  list(filter: AuditFilter, before: number | null, limit: number): Promise<Result<AuditPage>> {
    return this.#store.read(async (t) => {
      const found = await select(t, filter, { after: null, before, limit: limit + 1, isNewestFirst: true });
      const items = found.slice(0, limit);
      return { items, next: found.length > limit ? (items.at(-1)?.sequence ?? null) : null };
    });
  }

  /** Null: there is no such entry, or retention has removed it. */
  entry(sequence: number): Promise<Result<AuditEntry | null>> {
    return this.#store.read((t) => entryAt(t, sequence));
  }

  /** Holds all entries to the chain. Entries that are appended meanwhile are left out. */
  async verify(anchors: Anchors = new Map()): Promise<Result<ChainReport>> {
    const start = await this.#store.read(async (t) => ({ head: await headOf(t), first: await firstOf(t) }));
    if (!start.ok) return start;
    const report = await this.#check(start.value.head, anchors);
    if (!report.ok || report.value.broken === null) return report;
    // Retention may have removed entries under the eyes of the check.
    const first = await this.#store.read(firstOf);
    if (!first.ok) return first;
    return first.value === start.value.first ? report : this.verify(anchors);
  }

  async #check(head: ChainPlace, anchors: Anchors): Promise<Result<ChainReport>> {
    const check = new ChainCheck(anchors, null);
    for (let after = 0; after < head.sequence && check.broken === null;) {
      const piece = { after, before: head.sequence + 1, limit: PIECE, isNewestFirst: false };
      const read = await this.#store.read(async (t) => {
        const entries = await select(t, {}, piece);
        return { entries, named: await objectsBetween(t, after, entries.at(-1)?.sequence ?? after) };
      });
      if (!read.ok) return read;
      const { entries, named } = read.value;
      for (const entry of entries) check.take(jsonOf(entry), isFound(entry, named) ? '' : 'a search for its objects does not find it');
      const last = entries.at(-1);
      if (last === undefined) break;
      after = last.sequence;
    }
    return ok(check.end(head));
  }

  /**
   * The log as lines of JSON. Without a filter it can be verified as a whole; with one it is an extract. An exception ends an export that
   * cannot go on, so that its reader sees that it is not whole.
   */
  async *exportJson(filter: AuditFilter = {}): AsyncIterable<string> {
    const range = await this.#store.read(async (t) => {
      const [head, first] = [await headOf(t), await firstOf(t)];
      const entry = first === null ? null : await entryAt(t, first);
      return { head, from: entry === null ? GENESIS : { sequence: entry.sequence - 1, hash: entry.previous } };
    });
    const { head, from } = valueOf(range);
    const isWhole = Object.keys(filter).length === 0;
    yield isWhole ? headerLine({ from, to: head }) : extractLine();
    yield* this.#lines(filter, from.sequence, head.sequence, entryLine, isWhole);
  }

  /** The log as CSV. */
  async *exportCsv(filter: AuditFilter = {}): AsyncIterable<string> {
    const head = valueOf(await this.#store.read(headOf));
    yield CSV_HEADER;
    yield* this.#lines(filter, 0, head.sequence, csvRow, false);
  }

  async *#lines(
    filter: AuditFilter,
    from: number,
    to: number,
    line: (entry: AuditEntry) => string,
    isWhole: boolean,
  ): AsyncIterable<string> {
    for (let after = from; after < to;) {
      const piece = valueOf(await this.#piece(filter, after, to));
      if (isWhole && piece.at(0)?.sequence !== after + 1) throw new StoreError('entries were removed during the export: export again');
      if (piece.length > 0) yield piece.map(line).join('');
      if (piece.length < PIECE) return;
      after = piece.at(-1)?.sequence ?? to;
      // Others get their turn between the pieces.
      await turn();
    }
  }

  async #piece(filter: AuditFilter, after: number, to: number): Promise<Result<readonly AuditEntry[]>> {
    const piece = { after, before: to + 1, limit: PIECE, isNewestFirst: false };
    return this.#store.read((t) => select(t, filter, piece));
  }
}

/** Whether the rows for searches name the objects of an entry, and no others. */
function isFound(entry: AuditEntry, named: ReadonlyMap<number, readonly string[]>): boolean {
  const rows = new Set(named.get(entry.sequence));
  const objects = objectsOf(entry);
  return rows.size === objects.length && objects.every((object) => rows.has(object));
}

function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new StoreError(result.error);
  return result.value;
}
