// Reads the bytes of a WebAssembly module. It trusts none of them: reading beyond the end throws.

/** The module is malformed, or has what cannot be metered. */
export class WasmError extends Error {}

export class WasmReader {
  readonly #bytes: Uint8Array;
  readonly end: number;
  at: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.at = start;
    this.end = end;
    if (start > end || end > bytes.length) throw new WasmError('a section is longer than the module');
  }

  get isAtEnd(): boolean {
    return this.at >= this.end;
  }

  byte(): number {
    if (this.at >= this.end) throw new WasmError('the module ends too early');
    return this.#bytes[this.at++] as number;
  }

  /** An unsigned number of up to 32 bits. */
  u32(): number {
    let [value, shift] = [0, 0];
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
      shift += 7;
      if (shift > 28) throw new WasmError('a number has too many bytes');
    }
    if (value > 0xff_ff_ff_ff) throw new WasmError('a number is too large');
    return value;
  }

  /** Passes a number of any kind. */
  passNumber(): void {
    for (let i = 0; i < 10; i++) if (this.byte() < 0x80) return;
    throw new WasmError('a number has too many bytes');
  }

  pass(length: number): void {
    if (length > this.end - this.at) throw new WasmError('the module ends too early');
    this.at += length;
  }

  /** Passes a text or other bytes behind their length. */
  passBytes(): void {
    this.pass(this.u32());
  }

  /** The bytes since a position. */
  since(start: number): Uint8Array {
    return this.#bytes.subarray(start, this.at);
  }

  /** A reader of the bytes behind their length, which this one passes. */
  inner(): WasmReader {
    const length = this.u32();
    const start = this.at;
    this.pass(length);
    return new WasmReader(this.#bytes, start, this.at);
  }
}
