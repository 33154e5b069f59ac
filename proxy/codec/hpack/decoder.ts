// HPACK decoding (RFC 7541): a complete header block in, a flat list of names and values out. The state belongs to the connection, so a
// block is always decoded to its end, even if its list is too large.
import { DynamicTable, ENTRY_OVERHEAD } from './dynamic-table.ts';
import { huffmanDecode } from './huffman.ts';
import { isNeverIndexed } from './never-indexed.ts';
import { STATIC_SIZE, STATIC_TABLE } from './static-table.ts';

/** The outcome of a block. `invalid` is a COMPRESSION_ERROR of the connection; `tooLarge` affects only its stream. */
export type DecodeOutcome = 'ok' | 'tooLarge' | 'invalid';

/** The limits of a decoder. */
export interface DecoderLimits {
  /** Our SETTINGS_HEADER_TABLE_SIZE. */
  readonly tableSize: number;
  /** The size of a list as in SETTINGS_MAX_HEADER_LIST_SIZE. */
  readonly maxListSize: number;
  readonly maxHeaders: number;
}

/** Larger integers cannot be lengths or indices of accepted data. */
const MAX_INTEGER = 0x0fff_ffff;

export class HpackDecoder {
  /** Names that the peer marked as never indexed in the last block, except those that never are anyway; null if there are none. */
  secrets: string[] | null = null;
  readonly #limits: DecoderLimits;
  readonly #table: DynamicTable;
  #buffer: Buffer = Buffer.alloc(0);
  #position = 0;
  #end = 0;
  #failed = false;
  /** The name and value of the last entry. */
  #name = '';
  #value = '';

  constructor(limits: DecoderLimits) {
    this.#limits = limits;
    this.#table = new DynamicTable(limits.tableSize);
  }

  /** Decodes the block in `buffer[start, end)` and appends to `headers`. Names and values are not validated. */
  decode(buffer: Buffer, start: number, end: number, headers: string[]): DecodeOutcome {
    this.#buffer = buffer;
    this.#position = start;
    this.#end = end;
    this.#failed = false;
    this.secrets = null;
    this.#readSizeUpdates();
    let size = 0;
    let kept = true;
    while (!this.#failed && this.#position < end) {
      if (!this.#readEntry()) return 'invalid';
      size += this.#name.length + this.#value.length + ENTRY_OVERHEAD;
      kept &&= size <= this.#limits.maxListSize && headers.length < this.#limits.maxHeaders * 2;
      if (kept) headers.push(this.#name, this.#value);
    }
    if (this.#failed) return 'invalid';
    return kept ? 'ok' : 'tooLarge';
  }

  /** Size updates may only be at the start of a block (section 4.2), at most two. */
  #readSizeUpdates(): void {
    for (let updates = 0; this.#position < this.#end && ((this.#buffer[this.#position] as number) & 0xe0) === 0x20; updates++) {
      const size = this.#readInteger(0x1f);
      if (updates === 2 || size > this.#limits.tableSize) this.#failed = true;
      if (this.#failed) return;
      this.#table.resize(size);
    }
  }

  #readEntry(): boolean {
    const first = this.#buffer[this.#position] as number;
    if (first >= 0x80) return this.#readIndexed();
    if (first >= 0x40) {
      if (!this.#readLiteral(0x3f)) return false;
      this.#table.add(this.#name, this.#value);
      return true;
    }
    // Section 4.2: a size update after the first entry is an error.
    if (first >= 0x20 || !this.#readLiteral(0x0f)) return false;
    if (first >= 0x10 && !isNeverIndexed(this.#name)) this.#markSecret();
    return true;
  }

  /** The number of names is limited like that of headers; a list with more is too large anyway. */
  #markSecret(): void {
    this.secrets ??= [];
    if (this.secrets.length < this.#limits.maxHeaders && !this.secrets.includes(this.#name)) this.secrets.push(this.#name);
  }

  #readIndexed(): boolean {
    const index = this.#readInteger(0x7f);
    if (this.#failed || !this.#lookUpName(index)) return false;
    this.#value = index <= STATIC_SIZE ? (STATIC_TABLE[index * 2 - 1] as string) : this.#table.value(index - STATIC_SIZE - 1);
    return true;
  }

  #readLiteral(mask: number): boolean {
    const index = this.#readInteger(mask);
    if (this.#failed) return false;
    if (index === 0) this.#name = this.#readString();
    else if (!this.#lookUpName(index)) return false;
    if (this.#failed) return false;
    this.#value = this.#readString();
    return !this.#failed;
  }

  #lookUpName(index: number): boolean {
    if (index === 0 || index > STATIC_SIZE + this.#table.count) return false;
    this.#name = index <= STATIC_SIZE ? (STATIC_TABLE[index * 2 - 2] as string) : this.#table.name(index - STATIC_SIZE - 1);
    return true;
  }

  /** Section 5.1. Integers with too many continuation bytes are refused. */
  #readInteger(mask: number): number {
    let value = (this.#buffer[this.#position++] as number) & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      if (this.#position >= this.#end) break;
      const byte = this.#buffer[this.#position++] as number;
      value += (byte & 0x7f) << shift;
      if (value > MAX_INTEGER) break;
      if (byte < 0x80) return value;
    }
    this.#failed = true;
    return 0;
  }

  #readString(): string {
    if (this.#position >= this.#end) return this.#fail();
    const huffman = (this.#buffer[this.#position] as number) >= 0x80;
    const length = this.#readInteger(0x7f);
    const start = this.#position;
    if (this.#failed || length > this.#end - start) return this.#fail();
    this.#position = start + length;
    if (!huffman) return this.#buffer.latin1Slice(start, this.#position);
    return huffmanDecode(this.#buffer, start, this.#position) ?? this.#fail();
  }

  #fail(): string {
    this.#failed = true;
    return '';
  }
}
