// HPACK encoding (RFC 7541). Repeated headers go into the dynamic table, Huffman coded once; headers that differ in every message are
// written literally, because a table entry for one use costs more than it saves; secrets are marked as never indexed.
import { DynamicTable, ENTRY_OVERHEAD } from './dynamic-table.ts';
import { huffmanEncode, huffmanLength } from './huffman.ts';
import { isNeverIndexed } from './never-indexed.ts';
import { STATIC_SIZE, STATIC_TABLE } from './static-table.ts';

/** Headers that differ in almost every message. */
const NOT_INDEXED = new Set([
  ...[':path', 'content-length', 'content-range', 'date', 'etag', 'age', 'expires', 'last-modified', 'if-none-match', 'if-modified-since'],
  ...['x-request-id', 'traceparent', 'tracestate', 'x-forwarded-for', 'range', 'location', 'grpc-timeout', 'x-b3-spanid', 'x-b3-traceid'],
]);

/** Larger values are not worth a table entry. */
const MAX_INDEXED_SIZE = 512;

const STATIC_NAMES = new Map<string, number>();
const STATIC_ENTRIES = new Map<string, Map<string, number>>();
for (let index = STATIC_SIZE; index >= 1; index--) {
  const name = STATIC_TABLE[index * 2 - 2] as string;
  STATIC_NAMES.set(name, index);
  const values = STATIC_ENTRIES.get(name) ?? new Map<string, number>();
  STATIC_ENTRIES.set(name, values.set(STATIC_TABLE[index * 2 - 1] as string, index));
}

export class HpackEncoder {
  readonly #table: DynamicTable;
  /** Ids of table entries by name, then value. */
  readonly #ids = new Map<string, Map<string, number>>();
  readonly #ownLimit: number;
  /** Size updates for the start of the next block: the smallest size since the last one, and the final one. */
  #pendingMinimum = -1;
  #buffer: Buffer = Buffer.allocUnsafe(4_096);
  #offset = 0;

  /** `ownLimit`: the maximum table memory per connection in octets, regardless of the peer. */
  constructor(ownLimit = 4_096) {
    this.#ownLimit = ownLimit;
    this.#table = new DynamicTable(Math.min(ownLimit, 4_096), (name, value, id) => this.#forget(name, value, id));
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE. Announced in the next block (section 4.2). */
  setTableSize(size: number): void {
    const limit = Math.min(size, this.#ownLimit);
    if (limit === this.#table.limit && this.#pendingMinimum < 0) return;
    this.#table.resize(limit);
    this.#pendingMinimum = this.#pendingMinimum < 0 ? limit : Math.min(this.#pendingMinimum, limit);
  }

  /** Starts a block. `headroom` octets stay free before it, for the frame header. */
  begin(headroom: number): void {
    this.#offset = headroom;
    if (this.#pendingMinimum < 0) return;
    this.#reserve(16);
    const { limit } = this.#table;
    if (this.#pendingMinimum < limit) this.#empty();
    this.#writeInteger(0x20, 0x1f, limit);
    this.#pendingMinimum = -1;
  }

  /** A table that shrank and grew again: Go's decoder accepts the second size only if the first left the table empty. */
  #empty(): void {
    const { limit } = this.#table;
    this.#table.resize(0);
    this.#table.resize(limit);
    this.#writeInteger(0x20, 0x1f, 0);
  }

  /** Adds a header to the block. */
  write(name: string, value: string): void {
    const index = this.#indexOf(name, value);
    if (index > 0) return this.#writeIndex(index);
    if (isNeverIndexed(name)) return this.writeSecret(name, value);
    if (!this.#worthIndexing(name, value)) return this.#writeLiteral(0x00, 0x0f, name, value);
    this.#writeLiteral(0x40, 0x3f, name, value);
    this.#remember(name, value);
  }

  /** Adds a header that no intermediary may index (section 6.2.3), even if it is in our table. */
  writeSecret(name: string, value: string): void {
    this.#writeLiteral(0x10, 0x0f, name, value);
  }

  /** Ends the block: returns its buffer, valid until the next `begin`. The block starts after the headroom. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#offset);
  }

  /** The index of an entry with this name and value, or 0. */
  #indexOf(name: string, value: string): number {
    const known = STATIC_ENTRIES.get(name)?.get(value);
    if (known !== undefined) return known;
    const id = this.#ids.get(name)?.get(value);
    return id === undefined ? 0 : STATIC_SIZE + 1 + this.#table.indexOf(id);
  }

  #worthIndexing(name: string, value: string): boolean {
    return this.#table.limit > 0 && name.length + value.length <= MAX_INDEXED_SIZE && !NOT_INDEXED.has(name);
  }

  #remember(name: string, value: string): void {
    const id = this.#table.add(name, value);
    if (id < 0) return;
    const values = this.#ids.get(name);
    if (values === undefined) this.#ids.set(name, new Map([[value, id]]));
    else values.set(value, id);
  }

  #forget(name: string, value: string, id: number): void {
    const values = this.#ids.get(name);
    if (values?.get(value) !== id) return;
    values.delete(value);
    if (values.size === 0) this.#ids.delete(name);
  }

  #writeIndex(index: number): void {
    this.#reserve(8);
    this.#writeInteger(0x80, 0x7f, index);
  }

  #writeLiteral(pattern: number, mask: number, name: string, value: string): void {
    this.#reserve(name.length + value.length + ENTRY_OVERHEAD);
    const index = this.#nameIndex(name);
    this.#writeInteger(pattern, mask, index);
    // A table entry is sent and encoded once; a literal is sent often, and Huffman coding it each time costs more CPU than the octets are
    // worth in a data centre.
    // costs more CPU than the octets are worth on a data centre's wire.
    const compact = pattern === 0x40;
    if (index === 0) this.#writeString(name, compact);
    this.#writeString(value, compact);
  }

  #nameIndex(name: string): number {
    const index = STATIC_NAMES.get(name);
    if (index !== undefined) return index;
    const values = this.#ids.get(name);
    if (values === undefined) return 0;
    for (const id of values.values()) return STATIC_SIZE + 1 + this.#table.indexOf(id);
    return 0;
  }

  #writeString(text: string, compact: boolean): void {
    const coded = compact ? huffmanLength(text) : text.length;
    if (coded < text.length) {
      this.#writeInteger(0x80, 0x7f, coded);
      this.#offset = huffmanEncode(text, this.#buffer, this.#offset);
      return;
    }
    this.#writeInteger(0x00, 0x7f, text.length);
    this.#offset += this.#buffer.latin1Write(text, this.#offset);
  }

  /** Section 5.1. */
  #writeInteger(pattern: number, mask: number, value: number): void {
    if (value < mask) {
      this.#buffer[this.#offset++] = pattern | value;
      return;
    }
    this.#buffer[this.#offset++] = pattern | mask;
    let rest = value - mask;
    while (rest >= 0x80) {
      this.#buffer[this.#offset++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[this.#offset++] = rest;
  }

  #reserve(octets: number): void {
    if (this.#offset + octets <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe((this.#offset + octets) * 2);
    this.#buffer.copy(larger, 0, 0, this.#offset);
    this.#buffer = larger;
  }
}
