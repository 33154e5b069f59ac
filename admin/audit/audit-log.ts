// The reading side of the audit log: pages, single entries, exports and the check of the chain.
import { setImmediate as turn } from 'node:timers/promises';
import { err, ok, type Result } from '#lib/result.ts';
import { StoreError, type Store } from '#lib/store/store.ts';
import { ChainCheck, type Anchors, type ChainReport } from './chain.ts';
import { CSV_HEADER, csvRow } from './csv.ts';
import { GENESIS, jsonOf, type AuditEntry, type ChainPlace } from './entry.ts';
import { select, type AuditFilter, type Found, type Piece } from './entry-search.ts';
import { entryAt, firstOf, headOf, objectsBetween, objectsOf } from './entry-table.ts';
import { entryLine, extractLine, headerLine } from './exported-log.ts';

/** Entries that are read at once for checks and exports. */
const PIECE = 100;
/** Looks at a part of the log for one page. */
const LOOKS = 8;

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

  /**
   * The newest entries that meet the filter, among those with numbers below `before`. A page may have fewer than the limit, and `next`: the
   * search has looked at many entries.
   */
  async list(filter: AuditFilter, before: number | null, limit: number): Promise<Result<AuditPage>> {
    const items: AuditEntry[] = [];
    let next = before;
    for (let look = 0; look < LOOKS; look++) {
      const piece = { after: null, before: next, limit: limit + 1 - items.length, isNewestFirst: true };
      const found = await this.#store.read((t) => select(t, filter, piece));
      if (!found.ok) return found;
      items.push(...found.value.entries);
      next = found.value.reached;
      if (next === null) return ok({ items, next: null });
      if (items.length > limit) return ok({ items: items.slice(0, limit), next: items[limit - 1]?.sequence ?? null });
    }
    return ok({ items, next });
  }

  /** Null: there is no such entry, or retention has removed it. */
  entry(sequence: number): Promise<Result<AuditEntry | null>> {
    return this.#store.read((t) => entryAt(t, sequence));
  }

  /** Holds all entries to the chain. Entries that are appended meanwhile are left out. `signal` ends the check. */
  async verify(anchors: Anchors = new Map(), signal?: AbortSignal): Promise<Result<ChainReport>> {
    const start = await this.#store.read(async (t) => ({ head: await headOf(t), first: await firstOf(t) }));
    if (!start.ok) return start;
    const report = await this.#check(start.value.head, anchors, signal);
    if (!report.ok || report.value.broken === null) return report;
    // Retention may have removed entries under the eyes of the check.
    const first = await this.#store.read(firstOf);
    if (!first.ok) return first;
    return first.value === start.value.first ? report : this.verify(anchors, signal);
  }

  async #check(head: ChainPlace, anchors: Anchors, signal: AbortSignal | undefined): Promise<Result<ChainReport>> {
    const check = new ChainCheck(anchors, null);
    let reading = this.#toCheck(0, head.sequence);
    for (;;) {
      const read = await reading;
      if (!read.ok) return read;
      if (isAborted(signal)) return err('the check was ended before the end of the log');
      const { entries, named } = read.value;
      const last = entries.at(-1);
      const isLast = last === undefined || last.sequence >= head.sequence;
      // The store reads the next entries while these are checked.
      if (!isLast) reading = this.#toCheck(last.sequence, head.sequence);
      takeAll(check, entries, named);
      if (isLast || check.broken !== null) break;
    }
    await reading;
    return ok(check.end(head));
  }

  #toCheck(after: number, to: number) {
    const piece = { after, before: to + 1, limit: PIECE, isNewestFirst: false };
    return this.#store.read(async (t) => {
      const { entries } = await select(t, {}, piece);
      return { entries, named: await objectsBetween(t, after, entries.at(-1)?.sequence ?? after) };
    });
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
    for (let after: number | null = from; after !== null && after < to;) {
      const piece: Piece = { after, before: to + 1, limit: PIECE, isNewestFirst: false };
      const { entries, reached }: Found = valueOf(await this.#store.read((t) => select(t, filter, piece)));
      if (isWhole && entries.at(0)?.sequence !== after + 1) throw new StoreError('entries were removed during the export: export again');
      if (entries.length > 0) yield entries.map(line).join('');
      after = reached;
      // Others get their turn between the pieces.
      await turn();
    }
  }
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function takeAll(check: ChainCheck, entries: readonly AuditEntry[], named: ReadonlyMap<number, readonly string[]>): void {
  for (const entry of entries) check.take(jsonOf(entry), isFound(entry, named) ? '' : 'a search for its objects does not find it');
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
