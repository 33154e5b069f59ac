// Reads a WebAssembly module before it is compiled: refuses what would have memory outside of the limit, and writes the limit of its memory
// and of its tables into it, so that the engine enforces both: memory.grow fails beyond it. All that counts is in four short sections; code
// stays as it is.
import { err, ok, type Result } from '#lib/result.ts';

/** Bytes of a page of memory. */
export const PAGE = 65_536;
/** Bytes of a module. */
export const MAX_MODULE = 16 * 1_048_576;
/** Entries of a table, and tables: an entry costs the engine some bytes outside of the memory. */
const MAX_ENTRIES = 100_000;
const MAX_TABLES = 8;
const HEADER = Buffer.from([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
const SECTIONS = { type: 1, import: 2, table: 4, memory: 5 } as const;
/** Members of sections, by id: each costs the engine some memory outside of that of the module. */
const MAX_COUNTS: ReadonlyMap<number, number> = new Map([
  [SECTIONS.type, 10_000],
  [SECTIONS.import, 1_000],
  [3, 100_000],
  [6, 100_000],
  [7, 10_000],
  [9, 10_000],
  [11, 100_000],
  [13, 1_000],
]);
const FUNCTION_TYPE = 0x60;
const FUNCTION_IMPORT = 0x00;
/** Types of references: functions, and values of the host. */
const REFERENCE_TYPES: ReadonlySet<number> = new Set([0x70, 0x6f]);

/** The module is refused. */
class Refusal extends Error {}

class Reader {
  readonly #bytes: Buffer;
  #place: number;
  readonly #end: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.#place = start;
    this.#end = end;
  }

  get place(): number {
    return this.#place;
  }

  get isAtEnd(): boolean {
    return this.#place >= this.#end;
  }

  byte(): number {
    if (this.isAtEnd) throw new Refusal('it ends too early');
    return this.#bytes[this.#place++] as number;
  }

  /** LEB128, unsigned, 32 bits. */
  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) return value;
    }
    throw new Refusal('it has a number that is too long');
  }

  skip(size: number): void {
    if (size > this.#end - this.#place) throw new Refusal('it ends too early');
    this.#place += size;
  }

  /** The next bytes as a reader of their own. */
  part(size: number): Reader {
    const start = this.#place;
    this.skip(size);
    return new Reader(this.#bytes, start, start + size);
  }

  /** The same bytes once more. */
  copy(): Reader {
    return new Reader(this.#bytes, this.#place, this.#end);
  }
}

/** The module with its limits, `memory` in bytes. The reason if it cannot be used. */
export function limitedModule(bytes: Buffer, memory: number): Result<Buffer> {
  if (bytes.length > MAX_MODULE) return err(`the module has more than ${MAX_MODULE} bytes`);
  if (!bytes.subarray(0, HEADER.length).equals(HEADER)) return err('it is no WebAssembly module of version 1');
  try {
    return ok(rewritten(bytes, Math.floor(memory / PAGE)));
  } catch (error) {
    if (error instanceof Refusal) return err(`the module cannot be used: ${error.message}`);
    throw error;
  }
}

function rewritten(bytes: Buffer, pages: number): Buffer {
  const reader = new Reader(bytes, HEADER.length, bytes.length);
  const parts: Buffer[] = [HEADER];
  while (!reader.isAtEnd) {
    const start = reader.place;
    const id = reader.byte();
    const content = reader.part(reader.u32());
    checkCount(id, content);
    parts.push(limited(id, content, pages) ?? bytes.subarray(start, reader.place));
  }
  return Buffer.concat(parts);
}

function checkCount(id: number, content: Reader): void {
  const most = MAX_COUNTS.get(id);
  if (most !== undefined && content.copy().u32() > most) throw new Refusal(`its section ${id} has more than ${most} members`);
}

/** Another section in place of one; null: it stays. */
function limited(id: number, content: Reader, pages: number): Buffer | null {
  switch (id) {
    case SECTIONS.type:
      checkTypes(content);
      return null;
    case SECTIONS.import:
      checkImports(content);
      return null;
    case SECTIONS.table:
      return section(id, tables(content));
    case SECTIONS.memory:
      return section(id, memories(content, pages));
    default:
      return null;
  }
}

/** Structs and arrays would be on the heap of the engine, where no limit of the memory counts. */
function checkTypes(content: Reader): void {
  for (let count = content.u32(); count > 0; count--) {
    if (content.byte() !== FUNCTION_TYPE) throw new Refusal('it uses types of garbage collection');
    for (let list = 0; list < 2; list++) for (let each = content.u32(); each > 0; each--) checkValueType(content.byte());
  }
}

function checkValueType(type: number): void {
  const isNumber = type >= 0x7b && type <= 0x7f;
  if (!isNumber && !REFERENCE_TYPES.has(type)) throw new Refusal('it uses types of garbage collection');
}

function checkImports(content: Reader): void {
  for (let count = content.u32(); count > 0; count--) {
    content.skip(content.u32());
    content.skip(content.u32());
    if (content.byte() !== FUNCTION_IMPORT) throw new Refusal('it imports something that is no function');
    content.u32();
  }
}

function tables(content: Reader): readonly number[] {
  const count = content.u32();
  if (count > MAX_TABLES) throw new Refusal(`it has more than ${MAX_TABLES} tables`);
  const written = leb(count);
  for (let i = 0; i < count; i++) {
    const type = content.byte();
    if (!REFERENCE_TYPES.has(type)) throw new Refusal('it has a table of a form that is not supported');
    written.push(type, ...limits(content, MAX_ENTRIES, (least) => `it needs a table of ${least} entries, and may have ${MAX_ENTRIES}`));
  }
  return written;
}

function memories(content: Reader, pages: number): readonly number[] {
  const count = content.u32();
  if (count > 1) throw new Refusal('it has more than one memory');
  if (count === 0) return [0];
  const needs = (least: number): string => `it needs ${least * PAGE} bytes of memory, and may have ${pages * PAGE}`;
  return [1, ...limits(content, pages, needs)];
}

/** Limits with at most so much. Flags other than that of the maximum are those of shared and of 64-bit memory. */
function limits(content: Reader, most: number, tooMuch: (least: number) => string): readonly number[] {
  const flags = content.byte();
  if (flags > 1) throw new Refusal('it uses shared or 64-bit memory');
  const least = content.u32();
  const own = flags === 1 ? content.u32() : most;
  if (least > most) throw new Refusal(tooMuch(least));
  return [1, ...leb(least), ...leb(Math.min(own, most))];
}

function section(id: number, content: readonly number[]): Buffer {
  return Buffer.from([id, ...leb(content.length), ...content]);
}

function leb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const byte = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? byte | 0x80 : byte);
  } while (rest > 0);
  return bytes;
}
