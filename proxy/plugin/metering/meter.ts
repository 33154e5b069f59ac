// Makes the engine end at any time: each turn of a loop counts down, and at zero the code calls `weir.tick`, which returns the next count, or
// throws. Functions count nothing: the engine limits its own depth, and all that a plugin does turns the loop of its interpreter.
import { CALL, FUNCTION_REFERENCE, LOOP, passOperands, RETURN_CALL } from './instructions.ts';
import { WasmError, WasmReader } from './wasm-reader.ts';
import { WasmWriter } from './wasm-writer.ts';

/** The import that metered code calls: `() => number`. */
export const TICK = { module: 'weir', name: 'tick' } as const;

const [CUSTOM, TYPE, IMPORT, GLOBAL, EXPORT, START, ELEMENT, CODE] = [0, 1, 2, 6, 7, 8, 9, 10];
const [FUNCTION, TABLE, MEMORY, GLOBAL_KIND] = [0, 1, 2, 3];
/** The order of sections: by number, but the counts of data and tags are before others. */
const ORDER = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];
const MAGIC = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const I32 = 0x7f;

/** The module with a meter. Throws a WasmError for one that is malformed or cannot be metered. */
export function metered(module: Uint8Array): Uint8Array {
  const sections = sectionsOf(module);
  const meter = new Meter(sections);
  const out = new WasmWriter().bytes(MAGIC);
  for (const id of ORDER) {
    const bytes = meter.section(id, sections.get(id) ?? null);
    if (bytes !== null) out.byte(id).sized(bytes);
  }
  return out.written;
}

type Sections = ReadonlyMap<number, WasmReader>;

/** The sections by number, without custom ones. */
function sectionsOf(module: Uint8Array): Sections {
  const reader = new WasmReader(module);
  reader.pass(MAGIC.length);
  if (!MAGIC.every((byte, i) => module[i] === byte)) throw new WasmError('it is no module of WebAssembly 1.0');
  const sections = new Map<number, WasmReader>();
  while (!reader.isAtEnd) {
    const id = reader.byte();
    const content = reader.inner();
    if (id === CUSTOM) continue;
    if (sections.has(id) || !ORDER.includes(id)) throw new WasmError(`the module has an unknown section ${id}`);
    sections.set(id, content);
  }
  return sections;
}

/** The imports of a module, by kind. */
interface Imports {
  readonly functions: number;
  readonly globals: number;
}

class Meter {
  /** Of the function `tick`, which is behind the imported ones: the numbers of those behind it grow by one. */
  readonly #tick: number;
  readonly #type: number;
  /** Of the global with the count. */
  readonly #count: number;
  /** What runs at the start of each turn of a loop. */
  readonly #toll: Uint8Array;

  constructor(sections: Sections) {
    const imports = importsOf(sections.get(IMPORT));
    this.#tick = imports.functions;
    this.#type = countOf(sections.get(TYPE));
    this.#count = imports.globals + countOf(sections.get(GLOBAL));
    this.#toll = this.#makeToll();
  }

  /** The new content of a section, or null. */
  section(id: number, reader: WasmReader | null): Uint8Array | null {
    const extended = EXTENDED.get(id);
    if (extended !== undefined) return extended(this, reader);
    if (reader === null) return null;
    const changed = CHANGED.get(id);
    return changed === undefined ? contentOf(reader) : changed(this, reader);
  }

  types(reader: WasmReader | null): Uint8Array {
    return appended(reader, Uint8Array.of(0x60, 0, 1, I32));
  }

  imports(reader: WasmReader | null): Uint8Array {
    return appended(reader, new WasmWriter().text(TICK.module).text(TICK.name).byte(FUNCTION).u32(this.#type).written);
  }

  start(reader: WasmReader): Uint8Array {
    return new WasmWriter().u32(this.#renumbered(reader.u32())).written;
  }

  #makeToll(): Uint8Array {
    const [get, set, number, isZero, minus, when, end] = [0x23, 0x24, 0x41, 0x45, 0x6b, 0x04, 0x0b];
    const toll = new WasmWriter().byte(get).u32(this.#count).byte(isZero, when, 0x40);
    toll.byte(CALL).u32(this.#tick).byte(set).u32(this.#count).byte(end);
    return toll.byte(get).u32(this.#count).byte(number, 1, minus, set).u32(this.#count).written;
  }

  #renumbered(index: number): number {
    return index < this.#tick ? index : index + 1;
  }

  globals(reader: WasmReader | null): Uint8Array {
    const out = new WasmWriter();
    const count = reader?.u32() ?? 0;
    out.u32(count + 1);
    for (let i = 0; i < count && reader !== null; i++) {
      const start = reader.at;
      reader.pass(2);
      out.bytes(reader.since(start));
      this.#expression(reader, out);
    }
    return out.byte(I32, 1, 0x41, 0, 0x0b).written;
  }

  exports(reader: WasmReader): Uint8Array {
    const out = new WasmWriter();
    const count = reader.u32();
    out.u32(count);
    for (let i = 0; i < count; i++) {
      const start = reader.at;
      reader.passBytes();
      const kind = reader.byte();
      out.bytes(reader.since(start));
      const index = reader.u32();
      out.u32(kind === FUNCTION ? this.#renumbered(index) : index);
    }
    return out.written;
  }

  /** Bit 0: not active; bit 1: it names its table or kind; bit 2: the elements are expressions. */
  elements(reader: WasmReader): Uint8Array {
    const out = new WasmWriter();
    const count = reader.u32();
    out.u32(count);
    for (let i = 0; i < count; i++) {
      const flags = reader.u32();
      if (flags > 7) throw new WasmError('an element has unknown flags');
      out.u32(flags);
      const isActive = (flags & 1) === 0;
      if (isActive && (flags & 2) !== 0) out.u32(reader.u32());
      if (isActive) this.#expression(reader, out);
      if ((flags & 3) !== 0) out.byte(reader.byte());
      const members = reader.u32();
      out.u32(members);
      for (let k = 0; k < members; k++)
        if ((flags & 4) === 0) out.u32(this.#renumbered(reader.u32()));
        else this.#expression(reader, out);
    }
    return out.written;
  }

  code(reader: WasmReader): Uint8Array {
    const out = new WasmWriter();
    const count = reader.u32();
    out.u32(count);
    for (let i = 0; i < count; i++) out.sized(this.#body(reader.inner()));
    return out.written;
  }

  #body(reader: WasmReader): Uint8Array {
    const out = new WasmWriter();
    const start = reader.at;
    for (let groups = reader.u32(); groups > 0; groups--) (reader.passNumber(), reader.passNumber());
    out.bytes(reader.since(start));
    while (!reader.isAtEnd) this.#instructions(reader, out);
    return out.written;
  }

  /** Copies instructions up to one that changes, at once, and that one. */
  #instructions(reader: WasmReader, out: WasmWriter): void {
    const start = reader.at;
    while (!reader.isAtEnd) {
      const code = reader.byte();
      const unchanged = reader.since(start);
      if (isCall(code)) {
        out.bytes(unchanged).u32(this.#renumbered(reader.u32()));
        return;
      }
      passOperands(reader, code);
      if (code === LOOP) return void out.bytes(reader.since(start)).bytes(this.#toll);
    }
    out.bytes(reader.since(start));
  }

  /** A constant expression with its end. */
  #expression(reader: WasmReader, out: WasmWriter): void {
    while (this.#instruction(reader, out) !== 0x0b);
  }

  /** Copies an instruction of a constant expression and returns its code. */
  #instruction(reader: WasmReader, out: WasmWriter): number {
    const start = reader.at;
    const code = reader.byte();
    if (isCall(code)) out.byte(code).u32(this.#renumbered(reader.u32()));
    else {
      passOperands(reader, code);
      out.bytes(reader.since(start));
    }
    return code;
  }
}

/** Sections that every metered module has, and those that change. */
const EXTENDED: ReadonlyMap<number, (meter: Meter, reader: WasmReader | null) => Uint8Array> = new Map([
  [TYPE, (meter: Meter, reader: WasmReader | null) => meter.types(reader)],
  [IMPORT, (meter: Meter, reader: WasmReader | null) => meter.imports(reader)],
  [GLOBAL, (meter: Meter, reader: WasmReader | null) => meter.globals(reader)],
]);
const CHANGED: ReadonlyMap<number, (meter: Meter, reader: WasmReader) => Uint8Array> = new Map([
  [EXPORT, (meter: Meter, reader: WasmReader) => meter.exports(reader)],
  [START, (meter: Meter, reader: WasmReader) => meter.start(reader)],
  [ELEMENT, (meter: Meter, reader: WasmReader) => meter.elements(reader)],
  [CODE, (meter: Meter, reader: WasmReader) => meter.code(reader)],
]);

/** Whether an instruction names a function. */
function isCall(code: number): boolean {
  return code === CALL || code === RETURN_CALL || code === FUNCTION_REFERENCE;
}

function contentOf(reader: WasmReader): Uint8Array {
  const start = reader.at;
  reader.pass(reader.end - start);
  return reader.since(start);
}

/** A list of a section with one member more. */
function appended(reader: WasmReader | null, member: Uint8Array): Uint8Array {
  const count = reader?.u32() ?? 0;
  const out = new WasmWriter().u32(count + 1);
  if (reader !== null) out.bytes(contentOf(reader));
  return out.bytes(member).written;
}

/** The number of members of a section, which stays where it is. */
function countOf(reader: WasmReader | undefined): number {
  if (reader === undefined) return 0;
  const start = reader.at;
  const count = reader.u32();
  reader.at = start;
  return count;
}

function importsOf(reader: WasmReader | undefined): Imports {
  const numbers = { functions: 0, globals: 0 };
  if (reader === undefined) return numbers;
  const start = reader.at;
  for (let count = reader.u32(); count > 0; count--) {
    reader.passBytes();
    reader.passBytes();
    const kind = reader.byte();
    if (kind === FUNCTION) numbers.functions++;
    if (kind === GLOBAL_KIND) numbers.globals++;
    passImport(kind, reader);
  }
  reader.at = start;
  return numbers;
}

function passImport(kind: number, reader: WasmReader): void {
  if (kind === FUNCTION) return reader.passNumber();
  if (kind === GLOBAL_KIND) return reader.pass(2);
  if (kind === TABLE) reader.pass(1);
  else if (kind !== MEMORY) throw new WasmError('the module imports something unknown');
  const hasMaximum = (reader.u32() & 1) !== 0;
  reader.passNumber();
  if (hasMaximum) reader.passNumber();
}
